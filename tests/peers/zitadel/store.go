package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const lifetime = 10 * time.Minute

var errUnknown = errors.New("unknown")

// request is an authorization request that waits for its person.
type request struct {
	*oidc.AuthRequest
	id           string
	at           time.Time
	done, denied bool
}

func (r *request) GetID() string          { return r.id }
func (r *request) GetACR() string         { return "" }
func (r *request) GetAMR() []string       { return []string{"pwd"} }
func (r *request) GetAudience() []string  { return audience(r.ClientID) }
func (r *request) GetAuthTime() time.Time { return r.at }
func (r *request) GetClientID() string    { return r.ClientID }
func (r *request) GetNonce() string       { return r.Nonce }
func (r *request) GetScopes() []string    { return r.Scopes }
func (r *request) GetSubject() string     { return "alice" }
func (r *request) Done() bool             { return r.done }

func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

// token is an access token. Its refresh token is another string for the same grant.
type token struct {
	id, client, subject, refresh string
	audience, scopes             []string
	authTime, born, end          time.Time
}

// grant is what a refresh token stands for. The library sees a copy, whose scopes it may reduce.
type grant struct {
	client, subject, access string
	audience, scopes        []string
	authTime                time.Time
}

func (g *grant) GetAMR() []string            { return []string{"pwd"} }
func (g *grant) GetAudience() []string       { return g.audience }
func (g *grant) GetAuthTime() time.Time      { return g.authTime }
func (g *grant) GetClientID() string         { return g.client }
func (g *grant) GetScopes() []string         { return g.scopes }
func (g *grant) GetSubject() string          { return g.subject }
func (g *grant) SetCurrentScopes(s []string) { g.scopes = s }

type device struct {
	code  string
	state *op.DeviceAuthorizationState
}

// One lock for everything: requests are threads.
type store struct {
	lock       sync.Mutex
	requests   map[string]*request
	codes      map[string]string
	tokens     map[string]*token
	grants     map[string]*grant
	devices    map[string]*device
	key        *rsa.PrivateKey
	serviceKey *rsa.PrivateKey
}

func newStore() (*store, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serviceKey, err := rsa.GenerateKey(rand.Reader, 2048)
	return &store{
		requests:   map[string]*request{},
		codes:      map[string]string{},
		tokens:     map[string]*token{},
		grants:     map[string]*grant{},
		devices:    map[string]*device{},
		key:        key,
		serviceKey: serviceKey,
	}, err
}

// audience names who may introspect: the API of the tests is the client "basic".
func audience(client string) []string {
	if client == "basic" {
		return []string{client}
	}
	return []string{client, "basic"}
}

// ------------------------------------------------------------------ the person

func (s *store) decide(id string) (*request, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	asked, ok := s.requests[id]
	if !ok {
		return nil, errUnknown
	}
	asked.denied = asked.LoginHint == "deny"
	if asked.LoginHint == "narrow" {
		asked.Scopes = slices.DeleteFunc(asked.Scopes, func(scope string) bool { return scope == "api:read" })
	}
	asked.done = !asked.denied
	asked.at = time.Now()
	return asked, nil
}

func (s *store) decideDevice(userCode string, yes bool) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.devices[userCode]
	if !ok {
		return errUnknown
	}
	found.state.Subject, found.state.AuthTime = "alice", time.Now()
	found.state.Done, found.state.Denied = yes, !yes
	return nil
}

// ------------------------------------------------------------------ authorization requests

func (s *store) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if slices.Contains(asked.Prompt, oidc.PromptNone) {
		return nil, oidc.ErrLoginRequired()
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	made := &request{AuthRequest: asked, id: rand.Text()}
	s.requests[made.id] = made
	return made, nil
}

func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if found, ok := s.requests[id]; ok {
		return found, nil
	}
	return nil, errUnknown
}

func (s *store) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.lock.Lock()
	id := s.codes[code]
	s.lock.Unlock()
	return s.AuthRequestByID(ctx, id)
}

func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.codes[code] = id
	return nil
}

func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.requests, id)
	return nil
}

// ------------------------------------------------------------------ tokens

func (s *store) CreateAccessToken(_ context.Context, asked op.TokenRequest) (string, time.Time, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	made := s.access(asked, "")
	return made.id, made.end, nil
}

func (s *store) CreateAccessAndRefreshTokens(
	_ context.Context, asked op.TokenRequest, spent string,
) (string, string, time.Time, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	whole := asked.GetScopes()
	if spent != "" {
		old, ok := s.grants[spent]
		if !ok {
			// Two requests with the same token: the other one was faster.
			return "", "", time.Time{}, oidc.ErrInvalidGrant()
		}
		delete(s.grants, spent)
		delete(s.tokens, old.access)
		whole = old.scopes
	}
	made := s.access(asked, rand.Text())
	s.grants[made.refresh] = &grant{made.client, made.subject, made.id, made.audience, whole, made.authTime}
	return made.id, made.refresh, made.end, nil
}

// access makes a token; the lock is held.
func (s *store) access(asked op.TokenRequest, refresh string) *token {
	now := time.Now()
	made := &token{
		id: rand.Text(), subject: asked.GetSubject(), refresh: refresh,
		audience: asked.GetAudience(), scopes: asked.GetScopes(), born: now, end: now.Add(lifetime),
	}
	if person, ok := asked.(op.IDTokenRequest); ok {
		made.client, made.authTime = person.GetClientID(), person.GetAuthTime()
	} else {
		made.client = asked.GetSubject()
	}
	s.tokens[made.id] = made
	return made
}

func (s *store) TokenRequestByRefreshToken(_ context.Context, text string) (op.RefreshTokenRequest, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.grants[text]
	if !ok {
		return nil, op.ErrInvalidRefreshToken
	}
	copied := *found
	return &copied, nil
}

func (s *store) GetRefreshTokenInfo(_ context.Context, _, text string) (string, string, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.grants[text]
	if !ok {
		return "", "", op.ErrInvalidRefreshToken
	}
	return found.subject, text, nil
}

// RevokeToken takes the text of a refresh token or the id of an access token. As in the library's example, an access token ends
// alone, and a refresh token takes its access token with it.
func (s *store) RevokeToken(_ context.Context, text, _, client string) *oidc.Error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if found, ok := s.tokens[text]; ok {
		if found.client != client {
			return oidc.ErrInvalidClient().WithDescription("token was not issued for this client")
		}
		delete(s.tokens, text)
	}
	if found, ok := s.grants[text]; ok {
		if found.client != client {
			return oidc.ErrInvalidClient().WithDescription("token was not issued for this client")
		}
		delete(s.grants, text)
		delete(s.tokens, found.access)
	}
	return nil
}

func (s *store) TerminateSession(context.Context, string, string) error { return nil }

func (s *store) find(id string) (*token, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.tokens[id]
	if !ok || found.end.Before(time.Now()) {
		return nil, errUnknown
	}
	return found, nil
}

// ------------------------------------------------------------------ clients and people

func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if at := slices.IndexFunc(clients, func(c *client) bool { return c.id == id }); at >= 0 {
		return clients[at], nil
	}
	return nil, oidc.ErrInvalidClient()
}

func (s *store) AuthorizeClientIDSecret(_ context.Context, id, text string) error {
	if slices.ContainsFunc(clients, func(c *client) bool { return c.id == id && c.secret == text }) {
		return nil
	}
	return errUnknown
}

func (s *store) ClientCredentials(ctx context.Context, id, text string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, text); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

func (s *store) ClientCredentialsTokenRequest(_ context.Context, id string, asked []string) (op.TokenRequest, error) {
	if slices.ContainsFunc(asked, func(scope string) bool { return !strings.HasPrefix(scope, "api:") }) {
		return nil, oidc.ErrInvalidScope()
	}
	return &oidc.JWTTokenRequest{Subject: id, Audience: audience(id), Scopes: asked}, nil
}

func (s *store) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, subject, _ string) error {
	_, err := s.find(id)
	info.Subject = subject
	return err
}

func (s *store) SetIntrospectionFromToken(
	_ context.Context, said *oidc.IntrospectionResponse, id, subject, asks string,
) error {
	found, err := s.find(id)
	if err != nil {
		return err
	}
	if !slices.Contains(found.audience, asks) {
		return errUnknown
	}
	said.Subject, said.ClientID, said.Scope, said.Audience = subject, found.client, found.scopes, found.audience
	said.Expiration, said.IssuedAt = oidc.FromTime(found.end), oidc.FromTime(found.born)
	if subject == "alice" {
		said.Username = subject
	}
	return nil
}

func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// ------------------------------------------------------------------ keys and assertions

type signingKey struct{ *rsa.PrivateKey }

func (k signingKey) ID() string                                  { return "signing" }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.PrivateKey }

type publicKey struct{ *rsa.PrivateKey }

func (k publicKey) ID() string                         { return "signing" }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.PublicKey }

func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return signingKey{s.key}, nil }
func (s *store) KeySet(context.Context) ([]op.Key, error)          { return []op.Key{publicKey{s.key}}, nil }

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *store) GetKeyByIDAndClientID(_ context.Context, keyID, client string) (*jose.JSONWebKey, error) {
	if keyID != "service" || client != "service" {
		return nil, errUnknown
	}
	return &jose.JSONWebKey{KeyID: keyID, Use: "sig", Key: &s.serviceKey.PublicKey}, nil
}

func (s *store) ValidateJWTProfileScopes(_ context.Context, _ string, asked []string) ([]string, error) {
	return slices.DeleteFunc(asked, func(scope string) bool { return !slices.Contains(scopes, scope) }), nil
}

// ------------------------------------------------------------------ token exchange

func (s *store) ValidateTokenExchangeRequest(_ context.Context, asked op.TokenExchangeRequest) error {
	if asked.GetRequestedTokenType() == "" {
		asked.SetRequestedTokenType(oidc.AccessTokenType)
	}
	id := asked.GetExchangeSubjectTokenIDOrToken()
	if asked.GetExchangeSubjectTokenType() == oidc.AccessTokenType {
		if _, err := s.find(id); err != nil {
			return oidc.ErrInvalidRequest().WithDescription("subject_token is over")
		}
	}
	for _, audience := range asked.GetAudience() {
		if strings.Contains(audience, "nobody") {
			return oidc.ErrInvalidTarget()
		}
	}
	return nil
}

func (s *store) CreateTokenExchangeRequest(context.Context, op.TokenExchangeRequest) error {
	return nil
}

func (s *store) GetPrivateClaimsFromTokenExchangeRequest(
	context.Context, op.TokenExchangeRequest,
) (map[string]any, error) {
	return nil, nil
}

func (s *store) SetUserinfoFromTokenExchangeRequest(
	_ context.Context, info *oidc.UserInfo, asked op.TokenExchangeRequest,
) error {
	info.Subject = asked.GetSubject()
	return nil
}

// ------------------------------------------------------------------ devices

func (s *store) StoreDeviceAuthorization(
	_ context.Context, client, code, userCode string, end time.Time, scopes []string,
) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	state := &op.DeviceAuthorizationState{ClientID: client, Scopes: scopes, Expires: end, Audience: audience(client)}
	s.devices[userCode] = &device{code, state}
	return nil
}

func (s *store) GetDeviceAuthorizatonState(
	_ context.Context, client, code string,
) (*op.DeviceAuthorizationState, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, found := range s.devices {
		if found.code == code && found.state.ClientID == client {
			copied := *found.state
			return &copied, nil
		}
	}
	return nil, errUnknown
}

func (s *store) Health(context.Context) error { return nil }
