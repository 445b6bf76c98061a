// The peer: node-oidc-provider, an authorization server this project did not write, set up for tests of an OAuth client.
//
//   PORT=4010 node server.mjs     PORT=0 (the default) takes a free port; DEV=1 shows the library's own login and consent pages
//                                 PUSHED=1 takes pushed authorization requests only, and knows resources and authorization details
//
// Prints one line, {"ready":true,"issuer":"http://127.0.0.1:…"}, once it listens. Ends on SIGTERM, and when its standard input
// closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. So, by hand, run it from a
// terminal and not with `< /dev/null`. Everything lives in memory, keys included: each start is a new, empty server.
//
// Nobody clicks here (except with DEV=1). An authorization request is granted by itself over three redirects with cookies:
// /auth -> /interaction/:uid -> /auth/:uid -> redirect_uri. `login_hint` names the user (else alice) or steers the outcome:
//   deny        redirect with error=access_denied
//   fail:CODE   redirect with error=CODE, any code, such as fail:temporarily_unavailable
//   narrow      granted, but without the api:… scopes
//   error       the interaction page breaks: 500, and no redirect at all
// Nor does anybody hold a phone: POST /_test/backchannel?auth_req_id=…&says=yes|no decides a backchannel request, and `&ping=URL` is
// where its ping goes. A hint names the person; `nobody` is nobody, and the user code of `careful` is 1234.
// The device pages are the library's own: the person types the code in and confirms; the login in between is granted by itself.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider, errors } from 'oidc-provider';

const SCOPES = ['openid', 'offline_access', 'api:read', 'api:write'];
const DEFAULT_SCOPE = 'api:read';
const SECRET = 'a-secret-of-this-test-peer-only-0123456789';
const INITIAL_ACCESS_TOKEN = 'an-initial-access-token-of-this-test-peer-only';

// ------------------------------------------------------------------ clients

// Native clients may use any loopback port (RFC 8252, section 7.3), so no test has to own a fixed one.
const withCode = (client_id, token_endpoint_auth_method, more = {}) => ({
  client_id,
  token_endpoint_auth_method,
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/cb', 'http://[::1]/cb'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: SCOPES.join(' '),
  ...more,
});

const withDevice = (client_id, token_endpoint_auth_method, more = {}) => ({
  client_id,
  token_endpoint_auth_method,
  application_type: 'native',
  redirect_uris: [],
  response_types: [],
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  scope: SCOPES.join(' '),
  ...more,
});

const withBackchannel = (client_id, mode, more = {}) => ({
  client_id,
  token_endpoint_auth_method: 'client_secret_basic',
  client_secret: SECRET,
  redirect_uris: [],
  response_types: [],
  grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token'],
  scope: SCOPES.join(' '),
  backchannel_token_delivery_mode: mode,
  backchannel_user_code_parameter: true,
  ...more,
});

const clients = [
  withCode('public', 'none'),
  withCode('basic', 'client_secret_basic', {
    client_secret: SECRET,
    ...(process.env.PUSHED && { authorization_details_types: ['payment_initiation', 'account_information'] }),
  }),
  // Id and secret both change when form-encoded (RFC 6749, section 2.3.1 and appendix B). The secret also holds text that looks
  // percent-encoded already, so a client that encodes too little and one that encodes twice are both refused.
  withCode('basic:odd id', 'client_secret_basic', { client_secret: 'p%3A+s s:w/&=rd-0123456789-0123456789' }),
  withCode('post', 'client_secret_post', { client_secret: SECRET }),
  // RFC 9126, section 6: its authorization requests must have been pushed.
  withCode('pushes', 'client_secret_basic', { client_secret: SECRET, require_pushed_authorization_requests: true }),
  withDevice('device', 'none'),
  withDevice('device-basic', 'client_secret_basic', { client_secret: SECRET }),
  withBackchannel('backchannel', 'poll'),
  withBackchannel('backchannel-ping', 'ping', { backchannel_client_notification_endpoint: 'https://client.example/pings' }),
  {
    client_id: 'm2m',
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: SECRET,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    scope: 'api:read api:write',
  },
];

// ------------------------------------------------------------------ settings

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' };
}

// Two resources (RFC 8707), and two types of authorization details (RFC 9396).
const RESOURCES = ['https://payments.example/', 'urn:example:accounts'];
const forWhat = {
  resourceIndicators: {
    enabled: true,
    useGrantedResource: () => false,
    getResourceServerInfo(_ctx, resource) {
      if (!RESOURCES.includes(resource)) throw new errors.InvalidTarget();
      return { scope: 'api:read api:write', audience: resource, accessTokenFormat: 'opaque' };
    },
  },
  richAuthorizationRequests: {
    enabled: true,
    types: {
      payment_initiation: {
        validate(_ctx, detail) {
          if (!detail.instructedAmount) throw new errors.InvalidAuthorizationDetails('instructedAmount is required');
        },
      },
      account_information: { validate() {} },
    },
    authorizationDetailsForGrantSource: (ctx) => ctx.oidc.grant?.rar,
    authorizationDetailsForAccessToken: (ctx, _token, source) =>
      ctx.oidc.params.authorization_details ? JSON.parse(ctx.oidc.params.authorization_details) : source?.rar,
    authorizationDetailsForIntrospection: (_ctx, token) => token.rar,
  },
};

// Where the pings of backchannel requests go: a test listens on a port that no registration can know.
const pingsTo = new Map();

const settings = {
  clients,
  fetch(url, options) {
    const to = pingsTo.get(JSON.parse(options.body ?? '{}').auth_req_id);
    if (!to) throw new Error(`nobody listens for ${url}`);
    const { method, headers, body, redirect } = options;
    return globalThis.fetch(to, { method, headers, body, redirect });
  },
  scopes: SCOPES,
  jwks: { keys: [signingKey()] },
  cookies: { keys: [randomBytes(24).toString('hex')] },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
  responseTypes: ['code'],
  pkce: { required: () => true },

  // A new refresh token each time. The library revokes the whole grant when a used one comes back.
  rotateRefreshToken: true,
  issueRefreshToken: (_ctx, client, source) => client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
  expiresWithSession: () => false,

  // Fixed numbers, so that tests can compare `expires_in`.
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    BackchannelAuthenticationRequest: (ctx) => Number(ctx?.oidc?.params?.requested_expiry ?? 600),
    ClientCredentials: 300,
    DeviceCode: 600,
    Grant: 86400,
    IdToken: 600,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 86400,
  },
  features: {
    ciba: {
      enabled: true,
      deliveryModes: ['poll', 'ping'],
      processLoginHint: (_ctx, hint) => (hint === 'nobody' ? undefined : hint),
      processLoginHintToken: (_ctx, token) => {
        if (token === 'old') throw new errors.ExpiredLoginHintToken('it has expired');
        return token;
      },
      verifyUserCode: (_ctx, account, code) => {
        if (account.accountId !== 'careful') return;
        if (!code) throw new errors.MissingUserCode('the person has a code');
        if (code !== '1234') throw new errors.InvalidUserCode('not this one');
      },
      validateRequestContext() {},
      triggerAuthenticationDevice() {},
    },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: Boolean(process.env.DEV) },
    introspection: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: Boolean(process.env.PUSHED) },
    // With resources on, api:… are scopes of a resource, so only the mode that few checks use has them.
    ...(process.env.PUSHED ? forWhat : { resourceIndicators: { enabled: false } }),
    revocation: { enabled: true },
    // Everyone may register, except in the mode for pushed requests. Each change gives a new access token.
    registration: { enabled: true, initialAccessToken: process.env.PUSHED ? INITIAL_ACCESS_TOKEN : false },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
  },
};

// ------------------------------------------------------------------ the user who always answers

async function decide(provider, { params, session }) {
  const hint = params.login_hint ?? '';
  if (hint === 'error') throw new Error('login_hint=error asks for this');
  if (hint === 'deny') return { error: 'access_denied', error_description: 'the user said no' };
  if (hint.startsWith('fail:')) return { error: hint.slice('fail:'.length), error_description: 'asked for by login_hint' };

  const accountId = session?.accountId ?? (hint || 'alice');
  const asked = (params.scope ?? '').split(' ').filter(Boolean);
  const granted = asked.filter((scope) => hint !== 'narrow' || !scope.startsWith('api:'));
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(granted.join(' '));
  // Without the refusal on record, the library would ask again for what is missing, for ever.
  grant.rejectOIDCScope(asked.filter((scope) => !granted.includes(scope)).join(' '));
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, granted.join(' '));
  // What the person picks goes with the grant (RFC 9396, section 7.1).
  for (const detail of JSON.parse(params.authorization_details ?? '[]')) grant.addRar(detail);
  return { login: { accountId }, consent: { grantId: await grant.save() } };
}

function answerForTheUser(provider) {
  provider.use(async (ctx, next) => {
    if (!/^\/interaction\/[^/]+$/.test(ctx.path)) return next();
    const result = await decide(provider, await provider.interactionDetails(ctx.req, ctx.res));
    ctx.respond = false; // interactionFinished writes to the socket itself
    await provider.interactionFinished(ctx.req, ctx.res, result);
  });
}

function answerOnThePhone(provider) {
  provider.use(async (ctx, next) => {
    if (ctx.path !== '/_test/backchannel') return next();
    const { auth_req_id, says, ping } = ctx.query;
    const request = await provider.BackchannelAuthenticationRequest.find(auth_req_id);
    if (!request) return;
    if (ping) pingsTo.set(auth_req_id, ping);
    let decision = new errors.AccessDenied('the person said no');
    if (says === 'yes') {
      const grant = new provider.Grant({ accountId: request.accountId, clientId: request.clientId });
      grant.addOIDCScope(request.params.scope);
      decision = await grant.save();
    }
    await provider.backchannelResult(request, decision);
    ctx.body = 'done';
  });
}

// The library serves OpenID Connect first. Two things make it take plain OAuth 2 requests as well:
// - offline_access is dropped from a request without prompt=consent, and a plain client has no `prompt`: say it for the client;
// - a request without a scope is refused; RFC 6749, section 3.3, lets a server have a default instead.
function takePlainOAuth(provider) {
  provider.use((ctx, next) => {
    // A request that was pushed says all it has to say in its body.
    if (ctx.path === '/auth' && !ctx.query.request_uri) {
      const query = { scope: DEFAULT_SCOPE, ...ctx.query };
      if (String(query.scope).split(' ').includes('offline_access')) query.prompt ??= 'consent';
      ctx.query = query;
    }
    return next();
  });
}

// ------------------------------------------------------------------ start and end

// The issuer names the port, so listen before there is a provider.
const server = createServer();
await new Promise((listening, failed) => {
  server.once('error', failed);
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', listening);
});
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, settings);
provider.on('server_error', (_ctx, error) => console.error('server_error', error));
takePlainOAuth(provider);
answerOnThePhone(provider);
if (!process.env.DEV) answerForTheUser(provider);
server.on('request', provider.callback());

process.on('SIGTERM', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();

console.log(JSON.stringify({ ready: true, issuer }));
