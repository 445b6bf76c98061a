// The peer: the OpenID Provider of zitadel/oidc, an authorization server that this project did not write, set up for tests of an
// OAuth client.
//
//	PORT=4300 go run .    PORT=0 (the default) takes a free port
//
// It prints one line, {"ready": true, "issuer": "http://127.0.0.1:..."}, once it listens. It ends on SIGTERM, and when its standard
// input closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. Everything lives in
// memory: each start is a new, empty server.
//
// The library decides what is asked and answered; where it keeps things is up to its user, and so is the person: see store.go.
// An authorization request is granted at once; `login_hint=deny` denies it, and `narrow` consents to all but `api:read`. The device's
// page has the field `user_code`, and then the buttons `action=accept` and `action=deny`. GET /_test/assertion signs a JWT for the client "service", as an issuer elsewhere would;
// `aud` and `exp` (seconds from now) change it.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

var pages = template.Must(template.New("code").Parse(`<!DOCTYPE html><html><body><form method="post" action="{{.Self}}">
<input type="text" name="user_code" value="{{.Code}}"><button type="submit">Next</button></form></body></html>`))

func init() {
	template.Must(pages.New("decision").Parse(`<!DOCTYPE html><html><body><form method="post" action="{{.Self}}">
<input type="hidden" name="user_code" value="{{.Code}}"><button name="action" value="accept">Yes</button>
<button name="action" value="deny">No</button></form></body></html>`))
	template.Must(pages.New("end").Parse(`<!DOCTYPE html><html><body>Return to the device.</body></html>`))
}

type peer struct {
	issuer   string
	store    *store
	provider *op.Provider
}

// login is where the library sends the person: here they are logged in already.
func (p *peer) login(w http.ResponseWriter, r *http.Request) {
	asked, err := p.store.decide(r.FormValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if asked.denied {
		op.AuthRequestError(w, r, asked, oidc.ErrAccessDenied(), p.provider)
		return
	}
	http.Redirect(w, r, op.AuthCallbackURL(p.provider)(r.Context(), asked.id), http.StatusFound)
}

func (p *peer) device(w http.ResponseWriter, r *http.Request) {
	code, action := r.FormValue("user_code"), r.FormValue("action")
	page := "code"
	if r.Method == http.MethodPost {
		page = "decision"
		if action != "" {
			page = "end"
			if err := p.store.decideDevice(code, action == "accept"); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := pages.ExecuteTemplate(w, page, map[string]string{"Code": code, "Self": p.issuer + "/device"}); err != nil {
		slog.Error("page", "error", err)
	}
}

func (p *peer) assertion(w http.ResponseWriter, r *http.Request) {
	claims := map[string]any{"iss": "service", "sub": "service", "aud": p.issuer, "iat": time.Now().Unix()}
	if aud := r.FormValue("aud"); aud != "" {
		claims["aud"] = aud
	}
	exp, err := strconv.ParseInt(r.FormValue("exp"), 10, 64)
	if err != nil {
		exp = 300
	}
	claims["exp"] = time.Now().Unix() + exp
	payload, _ := json.Marshal(claims)
	key := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.store.serviceKey, KeyID: "service"}}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	text, _ := signed.CompactSerialize()
	fmt.Fprint(w, text)
}

func run() error {
	port := os.Getenv("PORT")
	if port == "" {
		port = "0"
	}
	// The issuer names the port, so the server listens before there are endpoints.
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	store, err := newStore()
	if err != nil {
		return err
	}
	p := &peer{issuer: "http://" + listener.Addr().String(), store: store}
	config := &op.Config{
		CodeMethodS256:          true,
		AuthMethodPost:          true,
		AuthMethodPrivateKeyJWT: true,
		GrantTypeRefreshToken:   true,
		SupportedScopes:         scopes,
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime: 5 * time.Minute,
			// Short, so that the tests need not wait for the usual five seconds.
			PollInterval: time.Second,
			UserFormPath: "/device",
			UserCode:     op.UserCodeBase20,
		},
	}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		return err
	}
	p.provider, err = op.NewProvider(config, store, op.StaticIssuer(p.issuer), op.WithAllowInsecure())
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", op.NewIssuerInterceptor(p.provider.IssuerFromRequest).HandlerFunc(p.login))
	mux.HandleFunc("/device", p.device)
	mux.HandleFunc("/_test/assertion", p.assertion)
	mux.Handle("/", p.provider)

	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	ready, _ := json.Marshal(map[string]any{"ready": true, "issuer": p.issuer})
	fmt.Println(string(ready))
	return http.Serve(listener, mux)
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
