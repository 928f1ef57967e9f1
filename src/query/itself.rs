//! A function that gives its first argument, so that the engine knows less of a value, or something else.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Itself {
    /// Its name, which no question can use.
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) told: Told,
}

/// What is told of the value, beside its type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    /// What is known of the argument.
    Same,
    /// That there may be none.
    MayBeNone,
    /// Other metadata.
    Metadata(BTreeMap<String, String>),
}

impl ScalarUDFImpl for Itself {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first() {
            Some(first) => Ok(first.clone()),
            None => internal_err!("{} has no argument", self.name),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let Some(first) = args.arg_fields.first() else {
            return internal_err!("{} has no argument", self.name);
        };
        let field = || Field::clone(first);
        Ok(match &self.told {
            Told::Same => Arc::clone(first),
            Told::MayBeNone => Arc::new(field().with_nullable(true)),
            Told::Metadata(metadata) => {
                let metadata = metadata.clone().into_iter().collect();
                Arc::new(field().with_metadata(metadata))
            }
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(first) => Ok(first),
            None => internal_err!("{} has no argument", self.name),
        }
    }
}
