// The peer: Ory Hydra, an authorization server that this project did not write, set up for tests of an OAuth client.
//
//	PORT=4500 [GRACE=1] go run -tags sqlite,sqlite_omit_load_extension .    PORT=0 (the default) takes a free port
//
// It prints one line, {"ready": true, "issuer": "http://127.0.0.1:..."}, once it listens. It ends on SIGTERM, and when its standard
// input closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. Everything lives in
// memory: each start is a new, empty server. With GRACE=1, a refresh token can be sent again for five minutes after its first use;
// without it, the second time ends the grant. These are Hydra's own settings.
//
// Hydra has two listeners, for the public and for administrators. Here they are two sockets in a temporary folder, and this program
// passes to them what comes to its one port, so that nobody can take a port between two steps: what begins with /admin goes to the
// second one.
//
// Hydra leaves the person to its user: see person.go. An authorization request is granted at once; `login_hint=deny` denies the
// login, `deny-consent` the consent, and `narrow` consents to all but `api:read`. GET /_test/assertion signs a JWT, as an issuer
// elsewhere would that Hydra trusts; `aud` and `exp` (seconds from now) change it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/ory/hydra/v2/cmd"
	"github.com/ory/x/configx"
)

// socket is one of Hydra's listeners.
type socket struct {
	path   string
	client *http.Client
}

// oneAtATime lets Hydra answer one request after the other: its database in memory refuses a second writer, and some readers, at once.
type oneAtATime struct {
	lock *sync.Mutex
	next http.RoundTripper
}

func (o oneAtATime) RoundTrip(request *http.Request) (*http.Response, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	response, err := o.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

func newSocket(path string, lock *sync.Mutex) socket {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16}
	return socket{path, &http.Client{Transport: oneAtATime{lock, transport}}}
}

func (s socket) proxy() http.Handler {
	target := &url.URL{Scheme: "http", Host: "hydra"}
	return &httputil.ReverseProxy{
		Transport: s.client.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
	}
}

func settings(issuer, public, admin string) map[string]any {
	grace := "0s"
	if os.Getenv("GRACE") != "" {
		grace = "5m"
	}
	return map[string]any{
		"dsn":               "memory",
		"log.level":         "error",
		"sqa.opt_out":       true,
		"secrets.system":    []string{"a-secret-of-this-test-peer-only-0123456789"},
		"serve.public.host": "unix:" + public,
		"serve.admin.host":  "unix:" + admin,
		"urls.self.issuer":  issuer,
		"urls.self.public":  issuer,
		"urls.login":        issuer + "/login",
		"urls.consent":      issuer + "/consent",
		"urls.error":        issuer + "/error",
		"ttl.access_token":  "10m",
		"oauth2.grant.refresh_token.rotation_grace_period": grace,
		"oauth2.pkce.enforced_for_public_clients":          true,
		"oauth2.hashers.pbkdf2.iterations":                 1,
		"oidc.dynamic_client_registration.enabled":         true,
		"oidc.dynamic_client_registration.default_scope":   []string{"openid", "offline_access", "api:read"},
		"webfinger.oidc_discovery.client_registration_url": issuer + "/oauth2/register",
	}
}

func run() error {
	port := os.Getenv("PORT")
	if port == "" {
		port = "0"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "hydra")
	if err != nil {
		return err
	}
	end := func(status int) {
		_ = os.RemoveAll(folder)
		os.Exit(status)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end(0)
	}()

	issuer := "http://" + listener.Addr().String()
	lock := new(sync.Mutex)
	public, admin := newSocket(filepath.Join(folder, "public"), lock), newSocket(filepath.Join(folder, "admin"), lock)
	// Hydra greets on standard output, where only one line belongs.
	stdout := os.Stdout
	os.Stdout = os.Stderr
	hydra := cmd.NewRootCmd(nil, nil, []configx.OptionModifier{configx.WithValues(settings(issuer, public.path, admin.path))})
	hydra.SetArgs([]string{"serve", "all", "--dev", "--sqa-opt-out"})
	go func() {
		if err := hydra.Execute(); err != nil {
			log.Print(err)
		}
		end(1)
	}()

	p, err := newPerson(issuer, admin)
	if err != nil {
		return err
	}
	if err := p.prepare(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", p.login)
	mux.HandleFunc("/consent", p.consent)
	mux.HandleFunc("/error", p.error)
	mux.HandleFunc("/_test/assertion", p.assertion)
	mux.Handle("/admin/", admin.proxy())
	mux.Handle("/", public.proxy())
	ready, _ := json.Marshal(map[string]any{"ready": true, "issuer": issuer})
	fmt.Fprintln(stdout, string(ready))
	return http.Serve(listener, mux)
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
