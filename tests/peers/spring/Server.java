// The peer: Spring Authorization Server, a library this project did not write, set up for tests of an OAuth client.
//
//   java -cp 'lib/*' Server.java                in the folder of the install, below target/peers/spring
//
// Prints one line, {"ready":true,"issuer":"http://127.0.0.1:…"}, once it listens on a free port. Ends when its standard input
// closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. So, by hand, run it from a
// terminal and not with `< /dev/null`. Everything lives in memory, keys included: each start is a new server.
//
// The person is alice, and PASSWORD below is hers. The pages for the login and the consent are the library's own. What a user of
// the library has to write is here: the clients, the page where a device's code is typed in, and the way in which a public client
// says who it is at the device endpoints, because the library has none. Nothing keeps a consent: it asks each time.
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.proc.SecurityContext;
import java.io.IOException;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.OAuth2AuthorizationServerConfiguration;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.DefaultOAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.server.authorization.InMemoryOAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2Authorization;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsent;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsentService;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.oauth2.server.resource.introspection.BadOpaqueTokenException;
import org.springframework.security.oauth2.server.resource.introspection.OpaqueTokenIntrospector;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;
import org.springframework.web.servlet.support.ServletUriComponentsBuilder;
import org.springframework.web.util.HtmlUtils;

@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Server {
    static final String SECRET = "a-secret-of-this-test-peer-only-0123456789";
    static final String PASSWORD = "alice-s-password";
    static final String[] SCOPES = {"openid", "offline_access", "api:read", "api:write"};

    public static void main(String[] arguments) {
        var ends = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (IOException error) {
                // It is closed.
            }
            Runtime.getRuntime().halt(0);
        });
        ends.setDaemon(true);
        ends.start();
        var stdout = System.out;
        System.setOut(System.err);
        var application = new SpringApplication(Server.class);
        application.setDefaultProperties(Map.of("server.port", "0", "server.address", "127.0.0.1", "spring.main.banner-mode", "off"));
        application.addListeners((ApplicationListener<WebServerInitializedEvent>) event ->
            stdout.printf("{\"ready\":true,\"issuer\":\"http://127.0.0.1:%d\"}%n", event.getWebServer().getPort()));
        application.run(arguments);
    }

    // ---------------------------------------------------------------- clients and the person

    static RegisteredClient client(String id, String secret, Consumer<RegisteredClient.Builder> more) {
        var client = RegisteredClient.withId(id).clientId(id).scopes(scopes -> scopes.addAll(List.of(SCOPES)));
        if (secret != null) client.clientSecret("{noop}" + secret);
        client.tokenSettings(tokens(false));
        client.clientSettings(ClientSettings.builder().requireProofKey(true).build());
        more.accept(client);
        return client.build();
    }

    /** Fixed numbers, so that tests can compare `expires_in`. */
    static TokenSettings tokens(boolean reuse) {
        return TokenSettings.builder()
            .accessTokenTimeToLive(Duration.ofSeconds(600))
            .authorizationCodeTimeToLive(Duration.ofSeconds(60))
            .deviceCodeTimeToLive(Duration.ofSeconds(600))
            .refreshTokenTimeToLive(Duration.ofDays(1))
            .reuseRefreshTokens(reuse)
            .build();
    }

    static Consumer<RegisteredClient.Builder> withCode(ClientAuthenticationMethod method) {
        return client -> client.clientAuthenticationMethod(method)
            .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
            .authorizationGrantType(AuthorizationGrantType.REFRESH_TOKEN)
            // Any port is right on loopback (RFC 8252, section 7.3).
            .redirectUri("http://127.0.0.1/cb")
            .redirectUri("http://[::1]/cb");
    }

    static Consumer<RegisteredClient.Builder> withDevice(ClientAuthenticationMethod method) {
        return client -> client.clientAuthenticationMethod(method)
            .authorizationGrantType(AuthorizationGrantType.DEVICE_CODE)
            .authorizationGrantType(AuthorizationGrantType.REFRESH_TOKEN);
    }

    @Bean
    RegisteredClientRepository clients() {
        var basic = ClientAuthenticationMethod.CLIENT_SECRET_BASIC;
        var asking = ClientSettings.builder().requireProofKey(true).requireAuthorizationConsent(true).build();
        return new Clients(
            client("public", null, withCode(ClientAuthenticationMethod.NONE)),
            client("basic", SECRET, withCode(basic).andThen(client -> client.authorizationGrantType(AuthorizationGrantType.TOKEN_EXCHANGE))),
            client("basic:odd id", "p%3A+s s:w/&=rd-0123456789-0123456789", withCode(basic)),
            client("post", SECRET, withCode(ClientAuthenticationMethod.CLIENT_SECRET_POST)),
            client("asks", SECRET, withCode(basic).andThen(client -> client.clientSettings(asking))),
            client("reuses", SECRET, withCode(basic).andThen(client -> client.tokenSettings(tokens(true)))),
            client("device", null, withDevice(ClientAuthenticationMethod.NONE)),
            client("device-basic", SECRET, withDevice(basic)),
            client("m2m", SECRET, client -> client.clientAuthenticationMethod(basic).authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)));
    }

    /** The library's own refuses two clients with one secret. */
    static final class Clients implements RegisteredClientRepository {
        private final Map<String, RegisteredClient> known = new ConcurrentHashMap<>();

        Clients(RegisteredClient... clients) {
            for (var client : clients) save(client);
        }

        @Override
        public void save(RegisteredClient client) {
            known.put(client.getId(), client);
        }

        @Override
        public RegisteredClient findById(String id) {
            return known.get(id);
        }

        @Override
        public RegisteredClient findByClientId(String clientId) {
            return known.values().stream().filter(client -> client.getClientId().equals(clientId)).findFirst().orElse(null);
        }
    }

    @Bean
    UserDetailsService people() {
        return new InMemoryUserDetailsManager(User.withUsername("alice").password("{noop}" + PASSWORD).roles("PERSON").build());
    }

    @Bean
    OAuth2AuthorizationService grants() {
        return new Grants(new InMemoryOAuth2AuthorizationService());
    }

    /** One call at a time: with two, the library's own throws a ConcurrentModificationException now and then. */
    record Grants(OAuth2AuthorizationService service) implements OAuth2AuthorizationService {
        @Override
        public synchronized void save(OAuth2Authorization grant) {
            service.save(grant);
        }

        @Override
        public synchronized void remove(OAuth2Authorization grant) {
            service.remove(grant);
        }

        @Override
        public synchronized OAuth2Authorization findById(String id) {
            return service.findById(id);
        }

        @Override
        public synchronized OAuth2Authorization findByToken(String token, OAuth2TokenType type) {
            return service.findByToken(token, type);
        }
    }

    @Bean
    OAuth2AuthorizationConsentService consents() {
        return new OAuth2AuthorizationConsentService() {
            @Override
            public void save(OAuth2AuthorizationConsent consent) { }

            @Override
            public void remove(OAuth2AuthorizationConsent consent) { }

            @Override
            public OAuth2AuthorizationConsent findById(String clientId, String principal) {
                return null;
            }
        };
    }

    @Bean
    JWKSource<SecurityContext> keys() throws Exception {
        var generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        var pair = generator.generateKeyPair();
        return new ImmutableJWKSet<>(new JWKSet(new RSAKey.Builder((RSAPublicKey) pair.getPublic()).privateKey(pair.getPrivate()).keyID("test").build()));
    }

    @Bean
    JwtDecoder jwtDecoder(JWKSource<SecurityContext> keys) {
        return OAuth2AuthorizationServerConfiguration.jwtDecoder(keys);
    }

    // ---------------------------------------------------------------- the server, an API, and pages

    @Bean
    @Order(1)
    SecurityFilterChain authorizationServer(HttpSecurity http, RegisteredClientRepository clients) throws Exception {
        http.oauth2AuthorizationServer(server -> {
            http.securityMatcher(server.getEndpointsMatcher());
            server.oidc(Customizer.withDefaults())
                .pushedAuthorizationRequestEndpoint(Customizer.withDefaults())
                .clientRegistrationEndpoint(registration -> registration.openRegistrationAllowed(true))
                .deviceAuthorizationEndpoint(device -> device.verificationUri("/activate"))
                .deviceVerificationEndpoint(Customizer.withDefaults())
                .clientAuthentication(clientAuthentication -> clientAuthentication
                    .authenticationConverter(request -> {
                        var id = request.getParameter("client_id");
                        var known = id != null && request.getHeader("Authorization") == null && request.getParameter("client_secret") == null;
                        var code = "authorization_code".equals(request.getParameter("grant_type"));
                        return known && !code ? new ById(id) : null;
                    })
                    .authenticationProvider(new KnowsById(clients)));
        });
        return http
            .authorizeHttpRequests(requests -> requests.requestMatchers("/oauth2/register").permitAll().anyRequest().authenticated())
            .exceptionHandling(handling -> handling.defaultAuthenticationEntryPointFor(
                new LoginUrlAuthenticationEntryPoint("/login"), new MediaTypeRequestMatcher(MediaType.TEXT_HTML)))
            .build();
    }

    /** A public client that only says who it is. */
    static final class ById extends OAuth2ClientAuthenticationToken {
        ById(String id) {
            super(id, ClientAuthenticationMethod.NONE, null, null);
        }

        ById(RegisteredClient client) {
            super(client, ClientAuthenticationMethod.NONE, null);
        }
    }

    record KnowsById(RegisteredClientRepository clients) implements AuthenticationProvider {
        @Override
        public Authentication authenticate(Authentication authentication) {
            var client = clients.findByClientId(authentication.getPrincipal().toString());
            if (client == null || !client.getClientAuthenticationMethods().contains(ClientAuthenticationMethod.NONE)) {
                throw new OAuth2AuthenticationException("invalid_client");
            }
            return new ById(client);
        }

        @Override
        public boolean supports(Class<?> authentication) {
            return ById.class.isAssignableFrom(authentication);
        }
    }

    /** It asks the server's own memory, so that a token that was revoked is refused. */
    @Bean
    @Order(2)
    SecurityFilterChain api(HttpSecurity http, OAuth2AuthorizationService grants) throws Exception {
        OpaqueTokenIntrospector introspector = token -> {
            var grant = grants.findByToken(token, OAuth2TokenType.ACCESS_TOKEN);
            if (grant == null || !grant.getAccessToken().isActive()) throw new BadOpaqueTokenException("it is not active");
            var scopes = grant.getAccessToken().getToken().getScopes().stream().map(scope -> "SCOPE_" + scope).toArray(String[]::new);
            return new DefaultOAuth2AuthenticatedPrincipal(grant.getPrincipalName(), Map.of("sub", grant.getPrincipalName()), AuthorityUtils.createAuthorityList(scopes));
        };
        return http.securityMatcher("/api/**", "/.well-known/oauth-protected-resource/**")
            .authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_api:read"))
            .oauth2ResourceServer(resource -> resource
                .opaqueToken(opaque -> opaque.introspector(introspector))
                .protectedResourceMetadata(metadata -> metadata.protectedResourceMetadataCustomizer(document -> document
                    .authorizationServer(ServletUriComponentsBuilder.fromCurrentContextPath().build().toUriString())
                    .scope("api:read").scope("api:write").resourceName("The API of this test peer"))))
            .build();
    }

    @Bean
    @Order(3)
    SecurityFilterChain pages(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests.requestMatchers("/error").permitAll().anyRequest().authenticated())
            .formLogin(Customizer.withDefaults())
            .build();
    }

    @Bean
    RouterFunction<ServerResponse> routes() {
        return RouterFunctions.route()
            .GET("/api", request -> ServerResponse.ok().contentType(MediaType.APPLICATION_JSON).body("{}"))
            .GET("/activate", request -> page("<form action=\"/oauth2/device_verification\" method=\"post\"><input type=\"text\" name=\"user_code\" value=\""
                + HtmlUtils.htmlEscape(request.param("user_code").orElse("")) + "\"><button>Continue</button></form>"))
            .GET("/", request -> page("The device is " + (request.param("success").isPresent() ? "" : "not ") + "connected."))
            .build();
    }

    static ServerResponse page(String body) {
        return ServerResponse.ok().contentType(MediaType.TEXT_HTML).body("<!DOCTYPE html><html><body>" + body + "</body></html>");
    }
}
