//! The layers: each source becomes a dictionary of sections with the name of its origin, its keys
//! are checked against the defaults, and figment merges them and remembers the layer of each value.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use figment::error::Kind;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::error::ConfigError;
use super::settings::{Config, DEFAULTS};
use super::sources::Sources;
use super::token;

mod keys;

const PREFIX: &str = "TIDEGATE_";

/// Variables that are named like the flags of `serve`, and what to use instead. If they were
/// ignored, the server would start with other settings than intended.
const NAMED_AS_FLAGS: &[(&str, &str)] = &[
    ("TIDEGATE_CONFIG", "the file is named by the flag --config"),
    ("TIDEGATE_LISTEN", "did you mean TIDEGATE_SERVER__LISTEN?"),
    (
        "TIDEGATE_DATA_DIR",
        "did you mean TIDEGATE_STORAGE__DATA_DIR?",
    ),
    ("TIDEGATE_TLS_CERT", "did you mean TIDEGATE_TLS__CERT_FILE?"),
    ("TIDEGATE_TLS_KEY", "did you mean TIDEGATE_TLS__KEY_FILE?"),
    (
        "TIDEGATE_WITHOUT_AUTH",
        "did you mean TIDEGATE_SERVER__WITHOUT_AUTH?",
    ),
    ("TIDEGATE_LOG_FORMAT", "did you mean TIDEGATE_LOG__FORMAT?"),
    ("TIDEGATE_LOG_LEVEL", "did you mean TIDEGATE_LOG__LEVEL?"),
];

/// One source of values.
struct Layer {
    origin: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// Merges the layers into the typed sections. Values are in range; whether they fit each other is
/// not checked here.
pub(super) fn extract(sources: &Sources) -> Result<Config, ConfigError> {
    let defaults = from_text("the built-in defaults".to_owned(), DEFAULTS)?;
    let mut layers = Vec::new();
    if let Some(path) = &sources.file {
        layers.push(from_file(path, &defaults.values)?);
    }
    layers.extend(from_variables(&sources.variables, &defaults.values)?);
    for flag in &sources.flags {
        let origin = format!("the flag {}", flag.name);
        let layer = single(origin.clone(), flag.key, &flag.value, &defaults.values);
        layers.push(layer.ok_or_else(|| keys::unknown(flag.key, &origin, &defaults.values))?);
    }
    let figment = layers
        .into_iter()
        .fold(Figment::from(defaults), Figment::merge);
    figment.extract().map_err(|error| explain(&figment, error))
}

fn from_file(path: &Path, defaults: &Dict) -> Result<Layer, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let layer = from_text(format!("the file {}", path.display()), &text)?;
    keys::check(&layer.values, &layer.origin, defaults)?;
    Ok(layer)
}

fn from_text(origin: String, text: &str) -> Result<Layer, ConfigError> {
    match Toml::from_str::<Dict>(text) {
        Ok(values) => Ok(Layer { origin, values }),
        Err(error) => {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().iter().take(start);
            let line = before.filter(|byte| **byte == b'\n').count() + 1;
            let message = error.message().replace('\n', ", ");
            Err(ConfigError::Syntax {
                origin,
                line,
                message,
            })
        }
    }
}

fn from_variables(
    variables: &[(OsString, OsString)],
    defaults: &Dict,
) -> Result<Vec<Layer>, ConfigError> {
    let mut layers = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if name != token::VARIABLE
            && let Some(layer) = from_variable(name, value, defaults)?
        {
            layers.push(layer);
        }
    }
    Ok(layers)
}

/// Reads a variable. One without a double underscore is not ours (Kubernetes sets TIDEGATE_PORT and
/// the like for a service of that name), unless it is a key of ours with an underscore missing, or
/// named like a flag.
fn from_variable(name: &str, value: &OsStr, defaults: &Dict) -> Result<Option<Layer>, ConfigError> {
    if let Some((_, hint)) = NAMED_AS_FLAGS.iter().find(|(flag, _)| *flag == name) {
        return Err(ConfigError::UnknownVariable {
            name: name.to_owned(),
            hint: (*hint).to_owned(),
        });
    }
    let key = name
        .trim_start_matches(PREFIX)
        .to_lowercase()
        .replace("__", ".");
    if !key.contains('.') && !keys::lacks_an_underscore(&key, defaults) {
        return Ok(None);
    }
    let text = value.to_str().ok_or_else(|| ConfigError::NotText {
        name: name.to_owned(),
    })?;
    match single(
        format!("the environment variable {name}"),
        &key,
        text,
        defaults,
    ) {
        Some(layer) => Ok(Some(layer)),
        None => Err(keys::unknown_variable(name, &key, defaults)),
    }
}

/// Makes a layer of one key, whose text is read by the type of the key's default; `None` if there
/// is no such key.
fn single(origin: String, key: &str, text: &str, defaults: &Dict) -> Option<Layer> {
    let (section, name) = key.split_once('.')?;
    let default = defaults.get(section)?.as_dict()?.get(name)?;
    let values = Dict::from([(name.to_owned(), read(text, default))]);
    Some(Layer {
        origin,
        values: Dict::from([(section.to_owned(), Value::from(values))]),
    })
}

/// Reads text by the type of the default. Text of another type stays text: the typed section
/// refuses it and says what it expects.
fn read(text: &str, default: &Value) -> Value {
    match default {
        Value::Bool(..) => text
            .parse::<bool>()
            .map_or_else(|_| text.into(), Value::from),
        Value::Num(..) => text
            .replace('_', "")
            .parse::<i64>()
            .map_or_else(|_| text.into(), Value::from),
        Value::Array(..) => {
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            parts.map(Value::from).collect::<Vec<_>>().into()
        }
        _ => text.into(),
    }
}

/// Converts figment's error to ours: key, origin, value, and what is allowed.
fn explain(figment: &Figment, error: figment::Error) -> ConfigError {
    let path = error
        .path
        .iter()
        .take(2)
        .map(String::as_str)
        .collect::<Vec<_>>();
    let key = path.join(".");
    let origin = error
        .metadata
        .as_ref()
        .map_or_else(|| "?".into(), |from| from.name.clone());
    let allowed = match &error.kind {
        Kind::InvalidType(_, allowed) if allowed == "a boolean" => "true or false".to_owned(),
        Kind::InvalidType(_, allowed) if allowed == "a sequence" => "a list of strings".to_owned(),
        Kind::InvalidType(_, allowed) | Kind::InvalidValue(_, allowed) => allowed.clone(),
        Kind::UnknownVariant(_, allowed) => {
            let quoted = allowed.iter().map(|one| format!("\"{one}\""));
            keys::alternatives(&quoted.collect::<Vec<_>>())
        }
        other => other.to_string(),
    };
    let found = figment
        .find_value(&key)
        .map_or_else(|_| "?".to_owned(), |value| keys::show(&value));
    ConfigError::Value {
        key,
        found,
        origin: origin.into_owned(),
        allowed,
    }
}
