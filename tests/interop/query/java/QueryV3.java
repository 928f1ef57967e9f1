// The v3 Java client: what it writes it gets back, as rows, as points and as batches.

import com.influxdb.v3.client.InfluxDBClient;
import com.influxdb.v3.client.Point;
import com.influxdb.v3.client.PointValues;
import com.influxdb.v3.client.config.ClientConfig;
import com.influxdb.v3.client.query.QueryOptions;
import com.influxdb.v3.client.query.QueryType;
import com.influxdb.v3.client.write.WritePrecision;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Objects;

class QueryV3 {
    static final String URL = System.getenv("TIDEGATE_URL"), TOKEN = System.getenv("TIDEGATE_TOKEN");
    static final String TEXT = "say \"hi\", Ünï 🌊\nnext; it's \\ here";
    static final long FIRST = 1_700_000_000_123_456_789L;
    static final String ALL = "SELECT * FROM every ORDER BY time";

    interface Work {
        void run() throws Exception;
    }

    static void same(Object found, Object expected) {
        if (!Objects.deepEquals(found, expected)) {
            throw new AssertionError("found " + found + ", expected " + expected);
        }
    }

    static void fails(String text, Work work) throws Exception {
        if (text.isEmpty()) {
            throw new AssertionError("an empty text is in every error");
        }
        try {
            work.run();
        } catch (Exception error) {
            if (String.valueOf(error).contains(text)) {
                return;
            }
            throw new AssertionError("it does not say: " + text, error);
        }
        throw new AssertionError("it did not fail: " + text);
    }

    static InfluxDBClient client(String url, String database, String token) {
        var config = new ClientConfig.Builder().host(url).token(token == null ? null : token.toCharArray())
            .database(database);
        if (url.startsWith("https")) {
            config.sslRootsFilePath(System.getenv("TIDEGATE_TLS_CA"));
        }
        return InfluxDBClient.getInstance(config.build());
    }

    static long ask(String database, String token, String text) throws Exception {
        try (var client = client(URL, database, token); var rows = client.query(text)) {
            return rows.count();
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (var client = client(URL, "java-v3", TOKEN)) {
            client.writePoints(List.of(
                Point.measurement("every").setTag("host", "a b").setTag("zone", "é,=").setBooleanField("b", true)
                    .setFloatField("f", -1.5).setIntegerField("i", Long.MIN_VALUE).setStringField("s", TEXT)
                    .setTimestamp(FIRST, WritePrecision.NS),
                Point.measurement("every").setTag("host", "a b").setBooleanField("b", false)
                    .setFloatField("f", 5e-324).setIntegerField("i", Long.MAX_VALUE).setStringField("s", "")
                    .setTimestamp(FIRST + 1, WritePrecision.NS),
                Point.measurement("every").setFloatField("f", 1.7976931348623157e308)
                    .setTimestamp(FIRST + 2, WritePrecision.NS)));
            client.writeRecord("unsigned u=18446744073709551615u 1");
            rows(client);
            points(client);
            fails("nothing", () -> client.query("SELECT * FROM nothing").count());
            fails("SELEC", () -> client.query("SELEC 1").count());
            var influxql = new QueryOptions(QueryType.InfluxQL);
            try (var found = client.query("SELECT f FROM \"every\"", influxql)) {
                if (found.count() != 3) throw new AssertionError("rows by InfluxQL");
            }
            fails("error parsing query", () -> client.query("SELECT f FROM every", influxql).count());
        }
        fails("database not found", () -> ask("missing", TOKEN, "SELECT 1"));
        fails("UNAUTHENTICATED", () -> ask("java-v3", "wrong", ALL));
        fails("UNAUTHENTICATED", () -> ask("java-v3", null, ALL));
        fails("insufficient permissions", () -> ask("java-v3", System.getenv("TIDEGATE_WRITER"), ALL));
        fails("insufficient permissions", () -> ask("java-v3", System.getenv("TIDEGATE_READER"), ALL));
        if (System.getenv("TIDEGATE_TLS_URL") != null) {
            try (var client = client(System.getenv("TIDEGATE_TLS_URL"), "tls", TOKEN);
                    var rows = client.query("SELECT f FROM m")) {
                same(rows.findFirst().orElseThrow()[0], 1.0);
            }
        }
        System.out.println("influxdb3-java: rows, points, batches, parameters, errors");
    }

    static void rows(InfluxDBClient client) throws Exception {
        try (var stream = client.query(ALL)) {
            List<Object[]> rows = stream.toList();
            same(rows.size(), 3);
            same(rows.get(0), new Object[] {true, -1.5, "a b", Long.MIN_VALUE, TEXT, BigInteger.valueOf(FIRST), "é,="});
            same(rows.get(1), new Object[] {false, 5e-324, "a b", Long.MAX_VALUE, "", BigInteger.valueOf(FIRST + 1), null});
            same(rows.get(2), new Object[] {null, 1.7976931348623157e308, null, null, null, BigInteger.valueOf(FIRST + 2), null});
        }
        try (var stream = client.query("SELECT u FROM unsigned")) {
            // This client reads an unsigned integer as a signed one.
            same(Long.toUnsignedString(((Number) stream.findFirst().orElseThrow()[0]).longValue()), "18446744073709551615");
        }
        try (var stream = client.query("SELECT * FROM every WHERE f = 7")) {
            same(stream.count(), 0L);
        }
        for (Map.Entry<String, Object> one : Map.<String, Object>of("i", Long.MIN_VALUE, "f", 5e-324, "b", false,
                "s", TEXT, "zone", "é,=").entrySet()) {
            String text = "SELECT count(*) FROM every WHERE " + one.getKey() + " = $value";
            try (var stream = client.query(text, Map.of("value", one.getValue()))) {
                same(stream.findFirst().orElseThrow()[0], 1L);
            }
        }
        try (var batches = client.queryBatches(ALL)) {
            same(batches.mapToInt(batch -> batch.getRowCount()).sum(), 3);
        }
    }

    static void points(InfluxDBClient client) throws Exception {
        try (var stream = client.queryPoints(ALL)) {
            List<PointValues> points = stream.toList();
            PointValues first = points.get(0);
            same(first.getTag("host"), "a b");
            same(first.getTag("zone"), "é,=");
            same(first.getField("f"), -1.5);
            same(first.getField("i"), Long.MIN_VALUE);
            same(first.getField("s"), TEXT);
            same(first.getField("b"), true);
            same(first.getField("host"), null);
            same(first.getTimestamp(), BigInteger.valueOf(FIRST));
            same(points.get(2).getTag("host"), null);
        }
    }
}
