// The peer: Keycloak, an authorization server this project did not write, set up for tests of an OAuth client.
//
//   java @java.options Keycloak.java            in the folder of the install, below target/peers/keycloak
//
// Prints one line, {"ready":true,"issuer":"http://127.0.0.1:…/realms/rotating",…}, once it listens on a free port. Ends when its
// standard input closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. So, by hand,
// run it from a terminal and not with `< /dev/null`. Keycloak runs inside this process, because a process that only starts
// another one can be killed without it. Everything lives in memory, keys included: each start is a new server.
//
// There are two realms with the same clients, which realm.json describes. In `rotating` a refresh token can be used once; in
// `lenient`, which is Keycloak's default, as often as the client wants. The person is alice; her password is in realm.json. The
// pages for the login, the consent and the device are Keycloak's own.
//
// Keycloak passes CIBA requests on to a service of its user. Here this is the URL `person` of the first line:
//   POST PERSON/says?message=MESSAGE&status=STATUS     decides about the request with this binding message: SUCCEED, UNAUTHORIZED
//                                                      or CANCELLED; 404 if there is none
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import java.util.zip.ZipInputStream;

public class Keycloak {
    static final Path HOME = Path.of("keycloak");
    /** Whom backchannel requests ask: see `person` in person.rs. */
    static final int PEOPLE = 32;
    static final Pattern LISTENS = Pattern.compile("Listening on: http://127\\.0\\.0\\.1:(\\d+)");

    public static void main(String[] arguments) throws Exception {
        switch (arguments.length == 0 ? "start" : arguments[0]) {
            case "unpack" -> unpack();
            case "build" -> keycloak("build");
            default -> start();
        }
    }

    // ---------------------------------------------------------------- once, when it is installed

    /** The archive has one folder, whose name has the version in it. It is not needed afterwards. */
    static void unpack() throws IOException {
        Path archive;
        try (var files = Files.list(Path.of("lib"))) {
            archive = files.findFirst().orElseThrow();
        }
        try (var zip = new ZipInputStream(Files.newInputStream(archive))) {
            for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                var path = Path.of(entry.getName());
                if (path.getNameCount() == 1) continue;
                var to = HOME.resolve(path.subpath(1, path.getNameCount())).normalize();
                if (!to.startsWith(HOME)) throw new IOException("outside of the folder: " + entry.getName());
                if (entry.isDirectory()) {
                    Files.createDirectories(to);
                } else {
                    Files.createDirectories(to.getParent());
                    Files.copy(zip, to);
                }
            }
        }
        Files.delete(archive);
        Files.copy(Path.of("keycloak.conf"), HOME.resolve("conf/keycloak.conf"), StandardCopyOption.REPLACE_EXISTING);
    }

    // ---------------------------------------------------------------- each time

    static void start() throws Exception {
        thread("end", () -> {
            while (System.in.read() >= 0) { }
            Runtime.getRuntime().halt(0);
        });
        realm("rotating", true);
        realm("lenient", false);
        var person = person();
        var stdout = System.out;
        // Keycloak's log tells the port.
        System.setOut(new PrintStream(System.err, true) {
            private final StringBuilder line = new StringBuilder();

            @Override
            public void write(byte[] bytes, int from, int length) {
                super.write(bytes, from, length);
                line.append(new String(bytes, from, length, StandardCharsets.UTF_8));
                var listens = LISTENS.matcher(line);
                if (listens.find()) {
                    stdout.printf("{\"ready\":true,\"issuer\":\"http://127.0.0.1:%s/realms/rotating\",\"person\":\"%s\"}%n", listens.group(1), person);
                }
                line.delete(0, line.lastIndexOf("\n") + 1);
            }
        });
        keycloak("start", "--optimized", "--import-realm", "--spi-ciba-auth-channel--ciba-http-auth-channel--http-authentication-channel-uri=" + person + "/asked");
    }

    static void keycloak(String... arguments) throws Exception {
        // It is not on the class path when it is unpacked.
        Class.forName("io.quarkus.bootstrap.runner.QuarkusEntryPoint").getMethod("main", String[].class).invoke(null, (Object) arguments);
    }

    /** Through a rename: another process may be about to read it. */
    static void realm(String name, boolean rotates) throws IOException {
        var people = new StringJoiner(", ");
        for (var number = 0; number < PEOPLE; number++) {
            people.add("{ \"username\": \"person-%d\", \"enabled\": true, \"realmRoles\": [\"offline_access\"] }".formatted(number));
        }
        var text = Files.readString(Path.of("realm.json"))
            .replace("\"@name@\"", '"' + name + '"')
            .replace("\"@rotates@\"", String.valueOf(rotates))
            .replace("\"@people@\"", people.toString());
        var fresh = Files.createTempFile(HOME, name, ".fresh");
        Files.writeString(fresh, text);
        var folder = Files.createDirectories(HOME.resolve("data/import"));
        Files.move(fresh, folder.resolve(name + "-realm.json"), StandardCopyOption.REPLACE_EXISTING);
    }

    interface Work {
        void run() throws Exception;
    }

    static void thread(String name, Work work) {
        var thread = new Thread(() -> {
            try {
                work.run();
            } catch (Exception error) {
                error.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
    }

    // ---------------------------------------------------------------- the person's telephone

    /** The tokens with which Keycloak wants its answers, by binding message. */
    static final Map<String, String> ASKED = new ConcurrentHashMap<>();
    static final Pattern MESSAGE = Pattern.compile("\"binding_message\"\\s*:\\s*\"([^\"]*)\"");
    static final Pattern ISSUER = Pattern.compile("\"iss\"\\s*:\\s*\"([^\"]*)\"");

    static String person() throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(work -> {
            var thread = new Thread(work, "person");
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/asked", exchange -> {
            var message = MESSAGE.matcher(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            if (message.find()) ASKED.put(message.group(1), exchange.getRequestHeaders().getFirst("Authorization"));
            answer(exchange, 201, "");
        });
        server.createContext("/says", exchange -> {
            exchange.getRequestBody().readAllBytes();
            var query = new HashMap<String, String>();
            for (var pair : exchange.getRequestURI().getRawQuery().split("&")) {
                query.put(pair.split("=", 2)[0], URLDecoder.decode(pair.split("=", 2)[1], StandardCharsets.UTF_8));
            }
            var authorization = ASKED.remove(query.get("message"));
            if (authorization == null) {
                answer(exchange, 404, "it was not asked: " + query.get("message"));
                return;
            }
            // The token is a JWT whose issuer is the realm.
            var claims = new String(Base64.getUrlDecoder().decode(authorization.split("\\.")[1]), StandardCharsets.UTF_8);
            var issuer = ISSUER.matcher(claims);
            issuer.find();
            var callback = HttpRequest.newBuilder(URI.create(issuer.group(1) + "/protocol/openid-connect/ext/ciba/auth/callback"))
                .header("Authorization", authorization)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"status\":\"" + query.get("status") + "\"}"))
                .build();
            try {
                var said = HttpClient.newHttpClient().send(callback, HttpResponse.BodyHandlers.ofString());
                answer(exchange, said.statusCode(), said.body());
            } catch (InterruptedException error) {
                throw new IOException(error);
            }
        });
        server.start();
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    static void answer(HttpExchange exchange, int status, String text) throws IOException {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
