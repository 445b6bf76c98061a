package main

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const secret = "a-secret-of-this-test-peer-only-0123456789"

var (
	scopes       = []string{"openid", "profile", "offline_access", "api:read", "api:write"}
	redirectURIs = []string{"http://127.0.0.1:8765/cb"}
	codeGrants   = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	deviceGrants = []oidc.GrantType{oidc.GrantTypeDeviceCode, oidc.GrantTypeRefreshToken}
)

type client struct {
	id, secret string
	method     oidc.AuthMethod
	grants     []oidc.GrantType
}

// The id and the secret of the third one change when form-encoded (RFC 6749, section 2.3.1 and appendix B).
var clients = []*client{
	{"public", "", oidc.AuthMethodNone, codeGrants},
	{"basic", secret, oidc.AuthMethodBasic, append(slices.Clone(codeGrants), oidc.GrantTypeTokenExchange)},
	{"basic:odd id", "p%3A+s s:w/&=rd-0123456789-0123456789", oidc.AuthMethodBasic, codeGrants},
	{"post", secret, oidc.AuthMethodPost, codeGrants},
	{"m2m", secret, oidc.AuthMethodBasic, []oidc.GrantType{oidc.GrantTypeClientCredentials}},
	{"device", "", oidc.AuthMethodNone, deviceGrants},
	{"device-basic", secret, oidc.AuthMethodBasic, deviceGrants},
}

func (c *client) GetID() string                    { return c.id }
func (c *client) RedirectURIs() []string           { return redirectURIs }
func (c *client) PostLogoutRedirectURIs() []string { return nil }
func (c *client) AuthMethod() oidc.AuthMethod      { return c.method }
func (c *client) GrantTypes() []oidc.GrantType     { return c.grants }
func (c *client) LoginURL(id string) string        { return "/login?id=" + id }
func (c *client) DevMode() bool                    { return false }
func (c *client) IsScopeAllowed(scope string) bool { return slices.Contains(scopes, scope) }
func (c *client) ClockSkew() time.Duration         { return 0 }
func (c *client) IDTokenLifetime() time.Duration   { return lifetime }

func (c *client) ApplicationType() op.ApplicationType {
	if c.method == oidc.AuthMethodNone {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }

func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c *client) IDTokenUserinfoClaimsAssertion() bool { return false }
