// A real OpenID Connect issuer (npm oidc-provider, certified) on loopback: node issuer.mjs PORT, 0 for any. Prints
// "up URL" once it listens.
//
// Its token endpoint gives JWTs to the client ci:secret (client_credentials): resource urn:rs256 signs with RS256, urn:es256
// with ES256; audience "images". For tests it has, beside what oidc-provider offers:
//   POST /rotate   new keys; the old ones are gone
//   POST /sign     {header, claims} -> a JWT signed with the key of header.alg, so that a token can be anything
//   POST /serve    {path, status, headers, body} -> from now on the answer to GET path; {path} alone: as before
//   GET /fetches   how often the description and the keys were read
import { createHmac, createPublicKey, generateKeyPairSync, sign, webcrypto } from 'node:crypto'
import http from 'node:http'

// What oidc-provider lacks in Debian's Node.js 18.
globalThis.crypto ??= webcrypto
URL.parse ??= (url, base) => { try { return new URL(url, base) } catch { return null } }
const { Provider } = await import('oidc-provider')

let generation = 0
let keys = {}
let provider
const fetches = { description: 0, keys: 0 }
const served = new Map()

function makeKeys() {
    generation++
    keys = {
        RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
        ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    }
}

const kid = (alg) => `${alg.toLowerCase()}-${generation}`

function makeProvider(issuer) {
    provider = new Provider(issuer, {
        jwks: { keys: Object.entries(keys).map(([alg, key]) => ({ ...key.export({ format: 'jwk' }), kid: kid(alg), use: 'sig', alg })) },
        cookies: { keys: ['test'] },
        clients: [{ client_id: 'ci', client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
        features: {
            devInteractions: { enabled: false },
            clientCredentials: { enabled: true },
            resourceIndicators: {
                enabled: true,
                getResourceServerInfo: (ctx, resource) => ({
                    scope: 'publish',
                    audience: 'images',
                    accessTokenTTL: 300,
                    accessTokenFormat: 'jwt',
                    jwt: { sign: { alg: resource.split(':')[1].toUpperCase() } },
                }),
            },
        },
        extraTokenClaims: () => ({ groups: ['builders'], project: 'p1' }),
    }).callback()
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

// HS256 signs with the public key of RS256 as the secret, which a careless verifier would accept.
function signature(alg, text) {
    if (alg === 'none') return ''
    if (alg === 'HS256') {
        const secret = createPublicKey(keys.RS256).export({ type: 'spki', format: 'pem' })
        return createHmac('sha256', secret).update(text).digest('base64url')
    }
    return sign('sha256', Buffer.from(text), { key: keys[alg], dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

function signToken({ header, claims }) {
    const text = `${encode({ kid: kid(header.alg), ...header })}.${encode(claims)}`
    return `${text}.${signature(header.alg, text)}`
}

async function body(request) {
    let text = ''
    for await (const piece of request) text += piece
    return JSON.parse(text)
}

const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, issuer)
    if (request.method === 'POST' && pathname === '/rotate') {
        makeKeys()
        makeProvider(issuer)
        return response.end()
    }
    if (request.method === 'POST' && pathname === '/sign') return response.end(signToken(await body(request)))
    if (request.method === 'POST' && pathname === '/serve') {
        const { path, ...answer } = await body(request)
        if (answer.status) served.set(path, answer)
        else served.delete(path)
        return response.end()
    }
    if (pathname === '/fetches') return response.end(JSON.stringify(fetches))
    if (pathname === '/.well-known/openid-configuration') fetches.description++
    if (pathname === '/jwks') fetches.keys++
    const answer = served.get(pathname)
    if (answer) return response.writeHead(answer.status, answer.headers).end(answer.body)
    provider(request, response)
})

let issuer
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
    issuer = `http://127.0.0.1:${server.address().port}`
    makeKeys()
    makeProvider(issuer)
    console.log(`up ${issuer}`)
})
