//! The format that a client asks for by `Accept`.

/// A format of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    #[default]
    Json,
    /// `application/csv`
    ApplicationCsv,
    /// `text/csv`
    TextCsv,
    /// `application/x-msgpack`
    Msgpack,
}

impl Format {
    /// The formats in the order in which a wildcard takes them.
    const ALL: [Self; 4] = [
        Self::Json,
        Self::ApplicationCsv,
        Self::TextCsv,
        Self::Msgpack,
    ];

    /// Returns the format that fits the `Accept` headers of a request best; JSON if none does.
    ///
    /// Headers may be lists with weights and wildcards; of two with one weight the first is taken.
    pub fn accepted<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut best = (Self::Json, 0.0);
        for range in headers.into_iter().flat_map(|header| header.split(',')) {
            let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight(parameters);
            let format = Self::ALL.into_iter().find(|format| format.fits(range));
            if let Some(format) = format
                && weight > best.1
            {
                best = (format, weight);
            }
        }
        best.0
    }

    /// Returns the value of the header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::ApplicationCsv => "application/csv",
            Self::TextCsv => "text/csv",
            Self::Msgpack => "application/x-msgpack",
        }
    }

    fn fits(self, range: &str) -> bool {
        let same = |asked: &str, own: &str| asked == "*" || asked.eq_ignore_ascii_case(own);
        let own = self.content_type().split_once('/');
        let asked = match range.trim() {
            "*" => Some(("*", "*")),
            range => range.split_once('/'),
        };
        own.zip(asked)
            .is_some_and(|(own, asked)| same(asked.0, own.0) && same(asked.1, own.1))
    }
}

/// Returns the weight among the parameters of a range: 1 without one, 0 for one that is no number.
fn weight(parameters: &str) -> f64 {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| value.trim().parse().unwrap_or(0.0))
}
