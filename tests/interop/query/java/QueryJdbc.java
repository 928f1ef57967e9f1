// The JDBC driver of Flight SQL, with the calls that DBeaver and other tools make: connections by
// token and by user and password, metadata, statements, prepared ones, errors, TLS.

import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;

class QueryJdbc {
    static final String URL = System.getenv("TIDEGATE_URL"), TOKEN = System.getenv("TIDEGATE_TOKEN");
    static final String TEXT = "say \"hi\", Ünï 🌊\nnext; it's \\ here";
    static final long FIRST = 1_700_000_000_123_456_789L;
    static final List<String> COLUMNS = List.of("b", "f", "host", "i", "s", "time", "u", "zone");
    static final String ALL = "SELECT * FROM every ORDER BY time";

    interface Work {
        void run() throws Exception;
    }

    static void same(Object found, Object expected) {
        if (!Objects.deepEquals(found, expected)) {
            throw new AssertionError("found " + found + ", expected " + expected);
        }
    }

    static SQLException fails(String text, Work work) throws Exception {
        if (text.isEmpty()) {
            throw new AssertionError("an empty text is in every error");
        }
        try {
            work.run();
        } catch (SQLException error) {
            if (String.valueOf(error.getMessage()).contains(text)) {
                return error;
            }
            throw new AssertionError("it does not say: " + text, error);
        }
        throw new AssertionError("it did not fail: " + text);
    }

    static void write(String bucket, String lines) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(URL + "/api/v2/write?bucket=" + bucket))
            .header("Authorization", "Token " + TOKEN)
            .POST(HttpRequest.BodyPublishers.ofString(lines)).build();
        same(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode(), 204);
    }

    static String place(String more) {
        return "jdbc:arrow-flight-sql://" + URI.create(URL).getAuthority() + "/?useEncryption=false" + more;
    }

    static Connection connect(String... properties) throws SQLException {
        var given = new Properties();
        for (int n = 0; n < properties.length; n += 2) {
            given.put(properties[n], properties[n + 1]);
        }
        return DriverManager.getConnection(place(""), given);
    }

    /** One column of a result, as texts. */
    static List<String> column(ResultSet result, String name) throws SQLException {
        var values = new ArrayList<String>();
        while (result.next()) {
            values.add(result.getString(name));
        }
        result.close();
        return values;
    }

    public static void main(String[] arguments) throws Exception {
        write("jdbc", "every,host=a\\ b,zone=é\\,\\= b=t,f=-1.5,i=-9223372036854775808i,u=18446744073709551615u,s=\""
            + TEXT.replace("\\", "\\\\").replace("\"", "\\\"") + "\" " + FIRST
            + "\nevery,host=a\\ b b=f,f=5e-324,i=9223372036854775807i,u=0u,s=\"\" " + (FIRST + 1)
            + "\nevery f=1.7976931348623157e308 " + (FIRST + 2));
        write("jdbc", "other,t=x v=1 1\na_b v=1 1\naxb v=1 1");
        connections();
        try (var connection = connect("token", TOKEN, "database", "jdbc")) {
            metadata(connection);
            rows(connection);
            prepared(connection);
            errors(connection);
        }
        secure();
        System.out.println("JDBC: connections, metadata, rows, prepared statements, errors");
    }

    static void connections() throws Exception {
        for (String more : List.of("&token=" + TOKEN, "&user=&password=" + TOKEN, "&user=any&password=" + TOKEN)) {
            try (var connection = DriverManager.getConnection(place(more + "&database=jdbc"));
                    var statement = connection.createStatement()) {
                var result = statement.executeQuery("SELECT 1 AS one");
                same(column(result, "one"), List.of("1"));
                same(connection.isValid(5), true);
            }
        }
        var ofCatalog = connect("token", TOKEN, "database", "jdbc", "catalog", "public");
        same(column(ofCatalog.createStatement().executeQuery("SELECT 1 AS one"), "one"), List.of("1"));
        // This driver ends the session of a catalog twice, the second time over a connection that it has closed.
        fails("Channel shutdown invoked", ofCatalog::close);
        fails("UNAUTHENTICATED", () -> connect("token", "wrong", "database", "jdbc").createStatement().executeQuery("SELECT 1"));
        fails("UNAUTHENTICATED", () -> connect("user", "any", "password", "wrong", "database", "jdbc"));
        fails("session option for catalog", () -> connect("token", TOKEN, "database", "jdbc", "catalog", "other"));
        try (var connection = connect("token", TOKEN, "database", "missing")) {
            fails("database not found", () -> connection.createStatement().executeQuery("SELECT 1"));
        }
        try (var connection = connect("token", TOKEN)) {
            fails("no 'database' header", () -> connection.createStatement().executeQuery("SELECT 1"));
        }
        for (String token : List.of(System.getenv("TIDEGATE_READER"), System.getenv("TIDEGATE_WRITER"))) {
            try (var connection = connect("token", token, "database", "jdbc")) {
                fails("insufficient permissions", () -> connection.createStatement().executeQuery("SELECT 1"));
            }
        }
    }

    static void metadata(Connection connection) throws Exception {
        DatabaseMetaData data = connection.getMetaData();
        same(data.getDatabaseProductName(), "Tidegate");
        same(data.isReadOnly(), true);
        same(data.getIdentifierQuoteString(), "\"");
        same(data.supportsTransactions(), false);
        same(data.supportsStoredProcedures(), false);
        // What DBeaver reads of a connection before anything else.
        for (String text : List.of(data.getDatabaseProductVersion(), data.getSQLKeywords(), data.getNumericFunctions(),
                data.getStringFunctions(), data.getSystemFunctions(), data.getTimeDateFunctions(),
                data.getSearchStringEscape(), data.getExtraNameCharacters(), data.getCatalogTerm(),
                data.getSchemaTerm(), data.getProcedureTerm(), data.getDriverName(), data.getURL())) {
            same(text != null, true);
        }
        data.supportsBatchUpdates();
        data.supportsResultSetType(ResultSet.TYPE_FORWARD_ONLY);
        data.supportsMixedCaseIdentifiers();
        data.storesUpperCaseIdentifiers();
        data.supportsCatalogsInDataManipulation();
        data.getDefaultTransactionIsolation();
        data.getMaxColumnNameLength();
        same(column(data.getCatalogs(), "TABLE_CAT"), List.of("public"));
        same(column(data.getSchemas(), "TABLE_SCHEM"), List.of("information_schema", "iox", "system"));
        same(column(data.getSchemas("public", "iox"), "TABLE_SCHEM"), List.of("iox"));
        same(column(data.getTableTypes(), "TABLE_TYPE"), List.of("BASE TABLE", "VIEW"));
        var all = List.of("a_b", "axb", "every", "other");
        same(column(data.getTables(null, "iox", "%", null), "TABLE_NAME"), all);
        same(column(data.getTables("public", "iox", null, new String[] {"BASE TABLE", "TABLE"}), "TABLE_NAME"), all);
        same(column(data.getTables(null, null, "ev%", null), "TABLE_SCHEM"), List.of("iox"));
        same(column(data.getTables(null, "iox", "a\\_b", null), "TABLE_NAME"), List.of("a_b"));
        same(column(data.getColumns("public", "iox", "every", "%"), "COLUMN_NAME"), COLUMNS);
        same(column(data.getColumns(null, null, "every", "i"), "TABLE_NAME"), List.of("every"));
        same(column(data.getColumns(null, "iox", "every", null), "DATA_TYPE"), List.of(Types.BOOLEAN, Types.DOUBLE,
            Types.VARCHAR, Types.BIGINT, Types.VARCHAR, Types.TIMESTAMP, Types.BIGINT, Types.VARCHAR)
            .stream().map(String::valueOf).toList());
        for (var none : List.of(data.getPrimaryKeys("public", "iox", "every"),
                data.getImportedKeys("public", "iox", "every"), data.getExportedKeys("public", "iox", "every"),
                data.getCrossReference("public", "iox", "every", "public", "iox", "other"),
                data.getIndexInfo("public", "iox", "every", false, true), data.getProcedures("public", "iox", "%"),
                data.getFunctions("public", "iox", "%"), data.getTypeInfo())) {
            same(none.next(), false);
        }
        connection.getCatalog();
        connection.getSchema();
        same(connection.getAutoCommit(), true);
        connection.getWarnings();
    }

    static void rows(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.setMaxRows(200);
            statement.setFetchSize(200);
            same(statement.execute(ALL), true);
            ResultSet result = statement.getResultSet();
            ResultSetMetaData about = result.getMetaData();
            var names = new ArrayList<String>();
            for (int n = 1; n <= about.getColumnCount(); n++) {
                names.add(about.getColumnName(n));
                about.getColumnLabel(n);
                about.getColumnTypeName(n);
                about.getTableName(n);
                about.isNullable(n);
                about.getPrecision(n);
                about.getScale(n);
            }
            same(names, COLUMNS);
            same(result.next(), true);
            same(result.getBoolean("b"), true);
            same(result.getDouble("f"), -1.5);
            same(result.getString("host"), "a b");
            same(result.getLong("i"), Long.MIN_VALUE);
            same(result.getString("s"), TEXT);
            same(result.getObject("s"), TEXT);
            Timestamp time = result.getTimestamp("time", java.util.Calendar.getInstance(java.util.TimeZone.getTimeZone("UTC")));
            same(time.getTime(), FIRST / 1_000_000);
            same(time.getNanos(), 123_456_789);
            same(new BigInteger(result.getString("u")), BigInteger.TWO.pow(64).subtract(BigInteger.ONE));
            same(result.getString("zone"), "é,=");
            same(result.next(), true);
            same(result.getDouble("f"), 5e-324);
            same(result.getString("s"), "");
            same(result.getString("zone"), null);
            same(result.wasNull(), true);
            same(result.next(), true);
            same(result.getObject("b"), null);
            same(result.getObject("u"), null);
            same(result.next(), false);
            same(column(statement.executeQuery("SELECT f FROM every WHERE f = 7"), "f"), List.of());
            same(column(statement.executeQuery("SHOW TABLES"), "table_name").contains("every"), true);
            same(column(statement.executeQuery("EXPLAIN SELECT 1"), "plan_type").get(0), "logical_plan");
        }
    }

    static void prepared(Connection connection) throws Exception {
        String text = "SELECT count(*) AS n FROM every WHERE i = ? AND s = ? AND f = ? AND b = ? AND time >= ?";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            same(statement.getParameterMetaData().getParameterCount(), 5);
            same(statement.getMetaData().getColumnName(1), "n");
            for (long[] expected : new long[][] {{Long.MIN_VALUE, 1}, {5, 0}, {Long.MIN_VALUE, 1}}) {
                statement.setLong(1, expected[0]);
                statement.setString(2, TEXT);
                statement.setDouble(3, -1.5);
                statement.setBoolean(4, true);
                statement.setTimestamp(5, new Timestamp(FIRST / 1_000_000 - 86_400_000));
                same(column(statement.executeQuery(), "n"), List.of(String.valueOf(expected[1])));
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT count(*) AS n FROM every WHERE i > ?")) {
            statement.setInt(1, 7);
            same(column(statement.executeQuery(), "n"), List.of("1"));
            statement.setShort(1, (short) 7);
            same(column(statement.executeQuery(), "n"), List.of("1"));
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT count(*) AS n FROM every WHERE host = ?")) {
            statement.setString(1, "a b");
            same(column(statement.executeQuery(), "n"), List.of("2"));
            statement.setNull(1, Types.VARCHAR);
            same(column(statement.executeQuery(), "n"), List.of("0"));
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT ? AS x")) {
            statement.setString(1, "text");
            same(column(statement.executeQuery(), "x"), List.of("text"));
        }
    }

    static void errors(Connection connection) throws Exception {
        Statement statement = connection.createStatement();
        fails("nothing", () -> statement.executeQuery("SELECT * FROM nothing"));
        fails("SELEC", () -> statement.executeQuery("SELEC 1"));
        fails("DROP", () -> statement.executeUpdate("DROP TABLE every"));
        fails("INSERT is not supported", () -> statement.executeUpdate("INSERT INTO every (f, time) VALUES (1, now())"));
        // The connection works on.
        same(column(statement.executeQuery("SELECT 1 AS one"), "one"), List.of("1"));
    }

    static void secure() throws Exception {
        String url = System.getenv("TIDEGATE_TLS_URL");
        if (url == null) {
            return;
        }
        String place = "jdbc:arrow-flight-sql://" + URI.create(url).getAuthority()
            + "/?useEncryption=true&useSystemTrustStore=false&database=tls&token=" + TOKEN;
        String trust = "&tlsRootCerts=" + System.getenv("TIDEGATE_TLS_CA");
        try (var connection = DriverManager.getConnection(place + trust)) {
            same(column(connection.createStatement().executeQuery("SELECT f FROM m"), "f"), List.of("1.0"));
        }
        // What is wrong with the certificate is only in the driver's log.
        fails("UNAVAILABLE", () -> DriverManager.getConnection(place.replace("useSystemTrustStore=false", "useSystemTrustStore=true")));
    }
}
