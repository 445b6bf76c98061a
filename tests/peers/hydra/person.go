package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v3"
)

const (
	secret    = "a-secret-of-this-test-peer-only-0123456789"
	assertion = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

var (
	scopes     = "openid offline_access api:read api:write"
	codeGrants = []string{"authorization_code", "refresh_token"}
)

// person is Hydra's user: who logs in, who consents, and who administers.
type person struct {
	issuer string
	admin  socket
	key    *rsa.PrivateKey
}

func newPerson(issuer string, admin socket) (*person, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return &person{issuer, admin, key}, err
}

// ask sends a request to Hydra's listener for administrators.
func (p *person) ask(method, path string, send, got any) error {
	body, err := json.Marshal(send)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, "http://hydra"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.admin.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, said)
	}
	if got == nil {
		return nil
	}
	return json.Unmarshal(said, got)
}

// prepare waits until Hydra listens, and makes its clients.
func (p *person) prepare() error {
	// The test that starts this has a deadline.
	for p.ask(http.MethodGet, "/health/ready", nil, nil) != nil {
		time.Sleep(20 * time.Millisecond)
	}
	client := func(id, secret, method string, grants ...string) error {
		return p.ask(http.MethodPost, "/admin/clients", map[string]any{
			"client_id":                  id,
			"client_secret":              secret,
			"token_endpoint_auth_method": method,
			"grant_types":                grants,
			"response_types":             []string{"code"},
			"scope":                      scopes,
			"redirect_uris":              []string{"http://127.0.0.1:8765/cb"},
		}, nil)
	}
	for _, err := range []error{
		client("public", "", "none", codeGrants...),
		client("basic", secret, "client_secret_basic", append([]string{assertion}, codeGrants...)...),
		// The id and the secret change when form-encoded (RFC 6749, section 2.3.1 and appendix B).
		client("basic:odd id", "p%3A+s s:w/&=rd-0123456789-0123456789", "client_secret_basic", codeGrants...),
		client("post", secret, "client_secret_post", codeGrants...),
		p.ask(http.MethodPost, "/admin/clients", map[string]any{
			"client_id": "m2m", "client_secret": secret, "scope": "api:read api:write", "grant_types": []string{"client_credentials"},
		}, nil),
	} {
		if err != nil {
			return err
		}
	}
	return p.ask(http.MethodPost, "/admin/trust/grants/jwt-bearer/issuers", map[string]any{
		"issuer":     "https://issuer.example",
		"subject":    "alice",
		"scope":      []string{"api:read", "openid", "offline_access"},
		"expires_at": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339),
		"jwk":        jose.JSONWebKey{Key: &p.key.PublicKey, KeyID: "issuer", Algorithm: "RS256", Use: "sig"},
	}, nil)
}

// asked is what Hydra tells about a login or a consent.
type asked struct {
	RequestedScope    []string `json:"requested_scope"`
	RequestedAudience []string `json:"requested_access_token_audience"`
	Context           struct {
		LoginHint string `json:"login_hint"`
	} `json:"oidc_context"`
}

// decides answers Hydra, and sends the browser on.
func (p *person) decides(w http.ResponseWriter, r *http.Request, kind, deniedBy string, yes func(asked) any) {
	query := "?" + url.Values{kind + "_challenge": {r.FormValue(kind + "_challenge")}}.Encode()
	path := "/admin/oauth2/auth/requests/" + kind
	var request asked
	var next struct {
		RedirectTo string `json:"redirect_to"`
	}
	err := p.ask(http.MethodGet, path+query, nil, &request)
	if err == nil && request.Context.LoginHint == deniedBy {
		no := map[string]any{"error": "access_denied", "error_description": "The person said no.", "status_code": 403}
		err = p.ask(http.MethodPut, path+"/reject"+query, no, &next)
	} else if err == nil {
		err = p.ask(http.MethodPut, path+"/accept"+query, yes(request), &next)
	}
	if err != nil {
		log.Print(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, next.RedirectTo, http.StatusFound)
}

func (p *person) login(w http.ResponseWriter, r *http.Request) {
	p.decides(w, r, "login", "deny", func(asked) any { return map[string]any{"subject": "alice"} })
}

func (p *person) consent(w http.ResponseWriter, r *http.Request) {
	p.decides(w, r, "consent", "deny-consent", func(request asked) any {
		granted := slices.DeleteFunc(request.RequestedScope, func(scope string) bool {
			return scope == "api:read" && request.Context.LoginHint == "narrow"
		})
		return map[string]any{"grant_scope": granted, "grant_access_token_audience": request.RequestedAudience}
	})
}

// error is the page for what cannot be sent back to the client.
func (p *person) error(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, "<!DOCTYPE html><html><body>%s</body></html>", html.EscapeString(r.URL.RawQuery))
}

func (p *person) assertion(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Unix()
	exp, err := strconv.ParseInt(r.FormValue("exp"), 10, 64)
	if err != nil {
		exp = 300
	}
	aud := r.FormValue("aud")
	if aud == "" {
		aud = p.issuer + "/oauth2/token"
	}
	payload, _ := json.Marshal(map[string]any{
		"iss": "https://issuer.example", "sub": "alice", "aud": aud, "iat": now, "exp": now + exp, "jti": rand.Text(),
	})
	key := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: "issuer"}}
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
