//! What the server can do, entry by entry: name, number and value as Flight SQL has them (its
//! `SqlInfo`).
//!
//! Every entry that a tool may read is there: the JDBC driver throws an exception at a tool that asks
//! for one that is not.

use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity,
    SqlSupportedTransaction,
};

use crate::telemetry::VERSION;

use SqlInfo as I;

const TEXTS: [(SqlInfo, &str); 9] = [
    (I::FlightSqlServerName, "Tidegate"),
    (I::FlightSqlServerVersion, VERSION),
    // The version of the format, which has its own numbers.
    (I::FlightSqlServerArrowVersion, "1.5"),
    (I::SqlIdentifierQuoteChar, "\""),
    (I::SqlSearchStringEscape, "\\"),
    (I::SqlExtraNameCharacters, ""),
    (I::SqlCatalogTerm, "catalog"),
    (I::SqlSchemaTerm, "schema"),
    (I::SqlProcedureTerm, ""),
];

const YES: [SqlInfo; 11] = [
    I::FlightSqlServerReadOnly,
    I::FlightSqlServerSql,
    I::SqlAllTablesAreSelectable,
    I::SqlCatalogAtStart,
    I::SqlCorrelatedSubqueriesSupported,
    I::SqlNullPlusNullIsNull,
    I::SqlSupportsColumnAliasing,
    I::SqlSupportsExpressionsInOrderBy,
    I::SqlSupportsNonNullableColumns,
    I::SqlSupportsOrderByUnrelated,
    I::SqlSupportsTableCorrelationNames,
];

const NO: [SqlInfo; 21] = [
    I::FlightSqlServerSubstrait,
    I::FlightSqlServerCancel,
    I::FlightSqlServerBulkIngestion,
    I::FlightSqlServerIngestTransactionsSupported,
    I::SqlDdlCatalog,
    I::SqlDdlSchema,
    I::SqlDdlTable,
    I::SqlBatchUpdatesSupported,
    I::SqlDataDefinitionCausesTransactionCommit,
    I::SqlDataDefinitionsInTransactionsIgnored,
    I::SqlLocatorsUpdateCopy,
    I::SqlMaxRowSizeIncludesBlobs,
    I::SqlNamedParametersSupported,
    I::SqlSavepointsSupported,
    I::SqlSelectForUpdateSupported,
    I::SqlStoredFunctionsUsingCallSyntaxSupported,
    I::SqlStoredProceduresSupported,
    I::SqlSupportsDifferentTableCorrelationNames,
    I::SqlSupportsIntegrityEnhancementFacility,
    // Only with the backslash.
    I::SqlSupportsLikeEscapeClause,
    I::SqlTransactionsSupported,
];

/// Sets of bits, and numbers of a list.
const SETS: [(SqlInfo, i32); 20] = [
    (
        I::FlightSqlServerTransaction,
        SqlSupportedTransaction::None as i32,
    ),
    (I::FlightSqlServerStatementTimeout, 0),
    (I::FlightSqlServerTransactionTimeout, 0),
    (
        I::SqlIdentifierCase,
        SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32,
    ),
    (
        I::SqlNullOrdering,
        SqlNullOrdering::SqlNullsSortedHigh as i32,
    ),
    (
        I::SqlOuterJoinsSupportLevel,
        SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32,
    ),
    // By columns that are not selected, and by others beside those that are.
    (I::SqlSupportedGroupBy, 0b11),
    // Minimum and core.
    (I::SqlSupportedGrammar, 0b11),
    // Entry.
    (I::SqlAnsi92SupportedLevel, 0b1),
    (I::SqlSchemasSupportedActions, 0),
    (I::SqlCatalogsSupportedActions, 0),
    (I::SqlSupportedPositionedCommands, 0),
    // In comparisons, EXISTS and IN.
    (I::SqlSupportedSubqueries, 0b111),
    // UNION and UNION ALL.
    (I::SqlSupportedUnions, 0b11),
    // None.
    (I::SqlSupportedTransactionsIsolationLevels, 0b1),
    // Forward only, to read.
    (I::SqlSupportedResultSetTypes, 0b10),
    (I::SqlSupportedConcurrenciesForResultSetForwardOnly, 0b10),
    (I::SqlSupportedConcurrenciesForResultSetUnspecified, 0),
    (I::SqlSupportedConcurrenciesForResultSetScrollSensitive, 0),
    (I::SqlSupportedConcurrenciesForResultSetScrollInsensitive, 0),
];

/// Limits, of which 0 says that there is none, or none that is known; and the level of isolation of
/// transactions, which is none.
const ZEROS: [SqlInfo; 21] = [
    I::SqlDefaultTransactionIsolation,
    I::SqlMaxBinaryLiteralLength,
    I::SqlMaxCharLiteralLength,
    I::SqlMaxColumnNameLength,
    I::SqlMaxColumnsInGroupBy,
    I::SqlMaxColumnsInIndex,
    I::SqlMaxColumnsInOrderBy,
    I::SqlMaxColumnsInSelect,
    I::SqlMaxColumnsInTable,
    I::SqlMaxConnections,
    I::SqlMaxCursorNameLength,
    I::SqlMaxIndexLength,
    I::SqlDbSchemaNameLength,
    I::SqlMaxProcedureNameLength,
    I::SqlMaxCatalogNameLength,
    I::SqlMaxRowSize,
    I::SqlMaxStatementLength,
    I::SqlMaxStatements,
    I::SqlMaxTableNameLength,
    I::SqlMaxTablesInSelect,
    I::SqlMaxUsernameLength,
];

/// Words that tools offer while somebody types.
const LISTS: [(SqlInfo, &[&str]); 5] = [
    (
        I::SqlKeywords,
        &["EXPLAIN", "ILIKE", "LIMIT", "OFFSET", "QUALIFY"],
    ),
    (
        I::SqlNumericFunctions,
        &[
            "ABS", "CEIL", "EXP", "FLOOR", "LN", "LOG", "POWER", "ROUND", "SIGN", "SQRT", "TRUNC",
        ],
    ),
    (
        I::SqlStringFunctions,
        &[
            "BTRIM",
            "CONCAT",
            "LEFT",
            "LENGTH",
            "LOWER",
            "LPAD",
            "LTRIM",
            "REPEAT",
            "REPLACE",
            "REVERSE",
            "RIGHT",
            "RPAD",
            "RTRIM",
            "STRPOS",
            "SUBSTR",
            "TRANSLATE",
            "UPPER",
        ],
    ),
    (
        I::SqlSystemFunctions,
        &["ARROW_TYPEOF", "COALESCE", "NULLIF"],
    ),
    (
        I::SqlDatetimeFunctions,
        &[
            "DATE_BIN",
            "DATE_BIN_GAPFILL",
            "DATE_PART",
            "DATE_TRUNC",
            "NOW",
            "TO_CHAR",
            "TO_TIMESTAMP",
            "TZ",
        ],
    ),
];

/// The server's name and abilities.
pub(super) fn abilities() -> Result<SqlInfoData> {
    let mut infos = SqlInfoDataBuilder::new();
    for (name, text) in TEXTS {
        infos.append(name, text);
    }
    for name in YES {
        infos.append(name, true);
    }
    for name in NO {
        infos.append(name, false);
    }
    for (name, set) in SETS {
        infos.append(name, set);
    }
    for name in ZEROS {
        infos.append(name, 0_i64);
    }
    for (name, words) in LISTS {
        infos.append(name, words);
    }
    infos.append(I::SqlSupportsConvert, std::collections::HashMap::new());
    infos.build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt32Type;

    use super::abilities;

    #[test]
    fn every_entry_that_a_tool_may_read_is_there_once() {
        let told = abilities().and_then(|all| all.record_batch([]));
        let told = told.expect("entries");
        let numbers = told.column(0).as_primitive::<UInt32Type>().values();
        let there: BTreeSet<u32> = numbers.iter().copied().collect();
        assert_eq!(there.len(), numbers.len());
        // Versions of Substrait; and how names in quotes are kept, for which there is no word.
        let none = [6, 7, 505];
        let known = (0..=11).chain([100, 101]).chain(500..=576);
        let missing: Vec<u32> = known
            .filter(|number| !there.contains(number) && !none.contains(number))
            .collect();
        assert_eq!(missing, [0; 0]);
    }
}
