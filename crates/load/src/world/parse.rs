//! Reads `services.txt`.

/// A paragraph of the file: a service with what it offers and uses.
#[derive(Debug, Default)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) language: &'static str,
    pub(super) namespace: &'static str,
    /// Requests from outside, in proportion; 0 for inner services.
    pub(super) entry_weight: u32,
    /// `(method, route)`.
    pub(super) http: Vec<(&'static str, &'static str)>,
    /// `(service, method)`.
    pub(super) grpc: Vec<(&'static str, &'static str)>,
    pub(super) statements: Vec<Statement>,
    pub(super) functions: Vec<&'static str>,
    pub(super) calls: Vec<&'static str>,
    pub(super) sends: Vec<&'static str>,
    pub(super) takes: Vec<&'static str>,
    pub(super) jobs: Vec<&'static str>,
}

/// One kind of question to a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    pub(crate) system: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) collection: &'static str,
}

/// The services of the file. It is ours, so that a mistake in it ends the process with the line.
pub(super) fn specs() -> Vec<Spec> {
    let mut specs = Vec::new();
    let text: &'static str = include_str!("services.txt");
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let understood = read_line(line, &mut specs);
        understood.unwrap_or_else(|| panic!("services.txt: cannot read `{line}`"));
    }
    specs
}

fn read_line(line: &'static str, specs: &mut Vec<Spec>) -> Option<()> {
    let (keyword, rest) = line.split_once(' ')?;
    if keyword == "service" {
        let mut words = rest.split(' ');
        specs.push(Spec {
            name: words.next()?,
            language: words.next()?,
            namespace: words.next()?,
            ..Spec::default()
        });
        return Some(());
    }
    let spec = specs.last_mut()?;
    let words = || rest.split(' ');
    match keyword {
        "entry" => spec.entry_weight = rest.parse().ok()?,
        "http" => {
            for endpoint in rest.split("; ") {
                spec.http.push(endpoint.split_once(' ')?);
            }
        }
        "grpc" => {
            let (service, methods) = rest.split_once(": ")?;
            spec.grpc
                .extend(methods.split(' ').map(|method| (service, method)));
        }
        "does" => spec.functions.extend(words()),
        "calls" => spec.calls.extend(words()),
        "sends" => spec.sends.extend(words()),
        "takes" => spec.takes.extend(words()),
        "job" => spec.jobs.extend(words()),
        system => {
            let (namespace, statements) = rest.split_once(": ")?;
            for statement in statements.split("; ") {
                let (operation, collection) = statement.split_once(' ')?;
                spec.statements.push(Statement {
                    system,
                    namespace,
                    operation,
                    collection,
                });
            }
        }
    }
    Some(())
}
