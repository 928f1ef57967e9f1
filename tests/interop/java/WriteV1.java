// The v1 Java client, by the steps of its README: a database, a retention policy, batches in the
// background, a query. Then a bad point, after which the batches must go on.
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.influxdb.BatchOptions;
import org.influxdb.InfluxDB;
import org.influxdb.InfluxDBException;
import org.influxdb.InfluxDBFactory;
import org.influxdb.dto.Point;
import org.influxdb.dto.Pong;
import org.influxdb.dto.Query;
import org.influxdb.dto.QueryResult;

public class WriteV1 {
    private static final String DATABASE = "java", POLICY = "one_day_only";

    public static void main(String[] arguments) {
        String url = System.getenv("TIDEGATE_URL"), token = System.getenv("TIDEGATE_TOKEN");
        InfluxDB influx = InfluxDBFactory.connect(url, "anyone", token);
        Pong pong = influx.ping();
        check(pong.isGood(), "ping: " + pong);

        QueryResult created = influx.query(new Query("CREATE DATABASE " + DATABASE));
        check(error(created) == null, "CREATE DATABASE: " + error(created));
        check(influx.databaseExists(DATABASE), "it is not listed");
        influx.setDatabase(DATABASE);

        // What is not offered is told in the result, and the client goes on.
        QueryResult policy = influx.query(new Query("CREATE RETENTION POLICY " + POLICY + " ON "
            + DATABASE + " DURATION 1d REPLICATION 1 DEFAULT"));
        check(contains(error(policy), "DEFAULT is not supported"),
            "CREATE RETENTION POLICY: " + error(policy));
        influx.setRetentionPolicy(POLICY);
        influx.write(Point.measurement("h2o_feet")
            .time(System.currentTimeMillis(), TimeUnit.MILLISECONDS)
            .tag("location", "santa_monica")
            .addField("level description", "below 3 feet")
            .addField("water_level", 2.064d)
            .build());
        QueryResult selected = influx.query(new Query("SELECT water_level FROM " + POLICY + ".h2o_feet"));
        check(error(selected) == null, "SELECT: " + error(selected));
        check(selected.getResults().get(0).getSeries().get(0).getValues().get(0).get(1).equals(2.064d),
            "SELECT: " + selected);
        influx.setRetentionPolicy("autogen");

        batches(influx);
        InfluxDB wrong = InfluxDBFactory.connect(url, "anyone", "wrong").setDatabase(DATABASE);
        try {
            wrong.write(Point.measurement("m").addField("v", 1d).build());
            check(false, "a wrong token was accepted");
        } catch (InfluxDBException refused) {
            check(contains(refused.getMessage(), "unauthorized"), "wrong token: " + refused);
        }
        System.exit(0);
    }

    /** 500 points, one that cannot be stored, 500 more: what the options' buffer repeats for ever
     * would hold up all that come after it. */
    private static void batches(InfluxDB influx) {
        ConcurrentLinkedQueue<Throwable> told = new ConcurrentLinkedQueue<>();
        influx.enableBatch(BatchOptions.DEFAULTS.exceptionHandler((points, fault) -> told.add(fault)));
        hundreds(influx, 0, 5);
        influx.flush();
        check(told.isEmpty(), "good points were refused: " + told);
        influx.write(Point.measurement("m").tag("host", "0").addField("v", "text")
            .time(1, TimeUnit.SECONDS).build());
        influx.flush();
        check(told.size() == 1, "a bad point was not told at once: " + told);
        Throwable fault = told.poll();
        check(contains(fault.getMessage(), "field \"v\" of \"m\" is float, got string"),
            "a bad point: " + fault);
        check(fault instanceof InfluxDBException.FieldTypeConflictException, "its class: " + fault);
        hundreds(influx, 5, 10);
        influx.close();
        check(told.isEmpty(), "points after it were lost: " + told);
    }

    private static void hundreds(InfluxDB influx, int from, int to) {
        for (int host = from; host < to; host++) {
            for (int n = 0; n < 100; n++) {
                influx.write(Point.measurement("m").tag("host", Integer.toString(host))
                    .addField("v", n * 0.5).addField("count", (long) n).addField("text", "say \"hi\"")
                    .time(n, TimeUnit.SECONDS).build());
            }
        }
    }

    /** What a statement's result says went wrong. */
    private static String error(QueryResult result) {
        return result.hasError() ? result.getError() : result.getResults().get(0).getError();
    }

    private static boolean contains(String text, String part) {
        return text != null && text.contains(part);
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            System.err.println(otherwise);
            System.exit(1);
        }
    }
}
