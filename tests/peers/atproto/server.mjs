// The peer: @atproto/oauth-provider, the authorization server of atproto (Bluesky), which this project did not write, set up for
// tests of an OAuth client.
//
//   PORT=4900 node server.mjs    Node.js 22 or later. PORT=0 (the default) takes a free port
//
// Prints one line, {"ready":true,"issuer":"http://127.0.0.1:…"}, once it listens. Ends on SIGTERM, and when its standard input closes:
// a test that is killed cannot stop its servers, but its end of the pipe closes all the same. Everything lives in memory, keys
// included: each start is a new server.
//
// It knows no clients by name. A client is `http://localhost?redirect_uri=…&scope=…`, or the URL of a document about itself: those are
// not fetched but taken from here, where POST /_test/document puts them (form fields `url` and `document`).
//
// Its pages are a program for browsers that calls an interface of the server. GET /_test/person?url=…&says=yes|no makes those calls for
// the person "alice.test", and answers with the URL that leads back to the client.
//
// It demands pushed requests, and DPoP at its token endpoint.
import http from 'node:http';
import { API_ENDPOINT_PREFIX, CSRF_COOKIE_NAME, CSRF_HEADER_NAME } from '@atproto/oauth-provider-api';
import { JoseKey } from '@atproto/jwk-jose';
import { OAuthProvider } from '@atproto/oauth-provider/provider';
import { oauthMiddleware } from '@atproto/oauth-provider/middleware';
import { InvalidRequestError } from '@atproto/oauth-provider/errors';

const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa';
const alice = {
  did, sub: did, aud: 'did:web:localhost', handle: 'alice.test', preferred_username: 'alice.test', name: 'Alice',
  email: 'alice@example.com', email_verified: true, emailVerified: true,
};

// ------------------------------------------------------------------ what is kept

const devices = new Map(), signedIn = new Map(), requests = new Map(), tokens = new Map(), authorized = new Map(), lexicons = new Map();
const documents = new Map();
const onDevice = (key) => {
  const deviceId = key.split('|')[0], at = signedIn.get(key);
  return { deviceId, deviceData: devices.get(deviceId), account: alice, authorizedClients: authorized, createdAt: at, updatedAt: at };
};
const told = (id) => {
  const token = tokens.get(id);
  return token ? { id, data: token.data, account: alice, currentRefreshToken: token.refresh.at(-1) ?? null } : null;
};
const found = (is) => {
  for (const [id, token] of tokens) if (is(token)) return told(id);
  return null;
};
const store = {
  async authenticateAccount({ username, password }) {
    if (username === 'alice.test' && password === 'password') return alice;
    throw new InvalidRequestError('Invalid identifier or password');
  },
  async setAuthorizedClient(_account, client, data) { authorized.set(client, data); },
  async getAccount() { return { account: alice, authorizedClients: authorized }; },
  async upsertDeviceAccount(device, sub) { signedIn.set(`${device}|${sub}`, new Date()); },
  async getDeviceAccount(device, sub) { return signedIn.has(`${device}|${sub}`) ? onDevice(`${device}|${sub}`) : null; },
  async removeDeviceAccount(device, sub) { signedIn.delete(`${device}|${sub}`); },
  async listDeviceAccounts(filter) {
    const wanted = (key) => ('did' in filter ? key.endsWith(`|${filter.did}`) : key.startsWith(`${filter.deviceId}|`));
    return [...signedIn.keys()].filter(wanted).map(onDevice);
  },
  async createDevice(id, data) { devices.set(id, data); },
  async readDevice(id) { return devices.get(id) ?? null; },
  async updateDevice(id, data) { devices.set(id, { ...devices.get(id), ...data }); },
  async deleteDevice(id) { devices.delete(id); },
  async createRequest(id, data) { requests.set(id, data); },
  async readRequest(id) { return requests.get(id) ?? null; },
  async updateRequest(id, data) { requests.set(id, { ...requests.get(id), ...data }); },
  async deleteRequest(id) { requests.delete(id); },
  async consumeRequestCode(code) {
    for (const [requestId, data] of requests) {
      if (data.code === code) {
        requests.delete(requestId);
        return { requestId, data };
      }
    }
    return null;
  },
  async createToken(id, data, refresh) { tokens.set(id, { data, refresh: refresh ? [refresh] : [] }); },
  async readToken(id) { return told(id); },
  async deleteToken(id) { tokens.delete(id); },
  async rotateToken(id, newId, refresh, data) {
    const token = tokens.get(id);
    tokens.delete(id);
    tokens.set(newId, { data: { ...token.data, ...data }, refresh: [...token.refresh, refresh] });
  },
  async findTokenByRefreshToken(text) { return found((token) => token.refresh.includes(text)); },
  async findTokenByCode(code) { return found((token) => token.data.code === code); },
  async listAccountTokens() { return [...tokens.keys()].map(told); },
  async findLexicon(name) { return lexicons.get(name) ?? null; },
  async storeLexicon(name, data) { lexicons.set(name, data); },
  async deleteLexicon(name) { lexicons.delete(name); },
  async findClient() { throw new InvalidRequestError('unknown client'); },
};
// What this peer has no use for: accounts and their mail.
for (const name of ['createAccount', 'resetPasswordRequest', 'resetPasswordConfirm', 'updateEmailRequest', 'updateEmailConfirm',
  'verifyEmailRequest', 'verifyEmailConfirm', 'verifyHandleAvailability', 'updateHandle', 'deactivateAccount', 'reactivateAccount',
  'deleteAccountRequest', 'deleteAccountConfirm']) {
  store[name] = async () => { throw new Error(`${name} is not part of this peer`); };
}

// ------------------------------------------------------------------ the person

/** One request of the person's browser, with its cookies. */
function browse(cookies, method, url, headers, body) {
  const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers: { accept: '*/*', cookie, ...headers } }, (response) => {
      for (const set of response.headers['set-cookie'] ?? []) {
        const pair = set.split(';')[0], at = pair.indexOf('=');
        cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ location: response.headers.location, text: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function person(url, says) {
  const cookies = new Map();
  const navigates = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const page = await browse(cookies, 'GET', url, { ...navigates, 'sec-fetch-site': 'none' });
  if (page.location) return page.location;
  const call = async (name, data, token) => {
    const headers = {
      'sec-fetch-mode': 'same-origin', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty', 'content-type': 'application/json',
      origin: issuer, referer: url, [CSRF_HEADER_NAME]: cookies.get(CSRF_COOKIE_NAME), ...(token && { authorization: `Bearer ${token}` }),
    };
    const { text } = await browse(cookies, 'POST', `${issuer}${API_ENDPOINT_PREFIX}${name}`, headers, JSON.stringify(data));
    const said = JSON.parse(text);
    if (said.error) throw new Error(`${name}: ${text}; the page was ${page.text.slice(0, 2000)}`);
    return said;
  };
  let end;
  if (says === 'no') {
    end = await call('/reject', {});
  } else {
    const { ephemeralToken } = await call('/sign-in', { locale: 'en', username: 'alice.test', password: 'password' });
    end = await call('/consent', { did }, ephemeralToken);
  }
  const last = await browse(cookies, 'GET', end.url, { ...navigates, 'sec-fetch-site': 'same-origin', referer: url });
  if (!last.location) throw new Error(`no way back: ${last.text.slice(0, 2000)}`);
  return last.location;
}

// ------------------------------------------------------------------ the server

/** Nothing leaves this machine: a client's document is here, or nowhere. */
async function fetchDocument(input) {
  const text = documents.get(typeof input === 'string' ? input : (input.url ?? String(input)));
  if (text === undefined) return new Response('there is none', { status: 404, headers: { 'content-type': 'text/plain' } });
  return new Response(text, { headers: { 'content-type': 'application/json' } });
}

function send(response, status, headers, text) {
  response.writeHead(status, headers);
  response.end(text);
}

const json = { 'content-type': 'application/json' };

async function api(request, response) {
  try {
    const { scope } = await provider.authenticateRequest(request.method, new URL(request.url, issuer), request.headers, {});
    send(response, 200, json, JSON.stringify({ scope }));
  } catch (error) {
    const nonce = provider.nextDpopNonce();
    const headers = { ...json, ...(nonce && { 'dpop-nonce': nonce }) };
    if (error.wwwAuthenticateHeader) headers['www-authenticate'] = error.wwwAuthenticateHeader;
    send(response, error.statusCode ?? 401, headers, JSON.stringify({ error: error.error, error_description: error.error_description }));
  }
}

async function test(request, response, url) {
  try {
    if (url.pathname === '/_test/person') {
      const back = await person(url.searchParams.get('url'), url.searchParams.get('says'));
      return send(response, 200, { 'content-type': 'text/plain' }, back);
    }
    let body = '';
    for await (const part of request) body += part;
    const form = new URLSearchParams(body);
    documents.set(form.get('url'), form.get('document'));
    send(response, 200, json, '{}');
  } catch (error) {
    send(response, 500, { 'content-type': 'text/plain' }, String(error.stack));
  }
}

let issuer, provider, middleware;
const server = http.createServer((request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname.startsWith('/_test/')) return test(request, response, url);
  if (url.pathname === '/api') return api(request, response);
  // A server of atproto is a resource, too, and says so as a whole.
  if (url.pathname === '/.well-known/oauth-protected-resource') {
    const about = { resource: issuer, authorization_servers: [issuer], scopes_supported: ['atproto'], bearer_methods_supported: ['header'] };
    return send(response, 200, json, JSON.stringify(about));
  }
  return middleware(request, response, (error) => send(response, error ? 500 : 404, {}, String(error?.stack ?? 'not found')));
});

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', async () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  provider = new OAuthProvider({
    issuer, store, keyset: [await JoseKey.generate(['ES256'], 'k1')], dpopSecret: '00'.repeat(32), safeFetch: fetchDocument,
    metadata: { protected_resources: [issuer] },
  });
  middleware = oauthMiddleware(provider, { onError: (_request, _response, error, what) => console.error(what, error.message) });
  console.log(JSON.stringify({ ready: true, issuer }));
});
process.stdin.on('end', () => process.exit(0)).on('close', () => process.exit(0)).resume();
