"""Spark in local mode with Delta's jars, whose paths TIDEGATE_SPARK_JARS names."""

import functools
import os


@functools.cache
def session():
    from pyspark.sql import SparkSession

    settings = {
        "spark.jars": os.environ["TIDEGATE_SPARK_JARS"],
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.appName("tidegate").master("local[1]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def read(folder):
    return session().read.format("delta").load(folder).toArrow()
