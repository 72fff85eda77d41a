//! What operators stand between: numbers, selectors, calls, aggregations, parentheses.

use std::collections::BTreeSet;

use traceql::Span;

use super::{Found, Parser, built, limit, mistyped, syntax, unsupported};
use crate::ast::{Aggregate, AggregateOp, Expr, Grouping, Kind, Leaf, Node, Reading};
use crate::functions::{Function, elsewhere, nearest, signature};
use crate::labels::NAME;
use crate::lexer::Token;
use crate::matcher::{MatchOp, Matcher, Selector};
use crate::{LEAVES_MAX, MATCHERS_MAX, PATTERNS_MAX};

const SECOND_NANO: f64 = 1e9;

impl Parser {
    pub(super) fn operand(&mut self) -> Found<Expr> {
        let expr = self.plain_operand()?;
        if *self.peek() == Token::Sign("[") {
            let problem = unsupported(self.place(), "subqueries");
            return Err(problem.hint("a window belongs right behind a selector: rate(name{…}[5m])"));
        }
        if self.takes_word("offset") || self.takes("@") {
            let message = "`offset` and `@` belong right behind a selector";
            return Err(syntax(self.last(), message));
        }
        Ok(expr)
    }

    fn plain_operand(&mut self) -> Found<Expr> {
        let place = self.place();
        let token = self.peek().clone();
        match token {
            Token::Number(number) => {
                self.at += 1;
                built(Kind::Scalar, place, 0, Node::Number(number))
            }
            Token::Text(text) => {
                self.at += 1;
                built(Kind::Text, place, 0, Node::Text(text))
            }
            Token::Duration(_) => {
                Err(unsupported(place, "durations as numbers").hint("write seconds"))
            }
            Token::Sign("(") => {
                self.at += 1;
                let mut inner = self.expr(0)?;
                self.expect(")")?;
                inner.place = place.to(self.last());
                Ok(inner)
            }
            Token::Sign("{") => self.selector(None),
            Token::Word(word) => self.word(word),
            _ => Err(self.unexpected("a selector, a number or a function")),
        }
    }

    fn word(&mut self, word: String) -> Found<Expr> {
        let place = self.place();
        let (next, lower) = (self.second().clone(), word.to_lowercase());
        let groups = |next: &Token| matches!(next, Token::Word(w) if matches!(&*w.to_lowercase(), "by" | "without"));
        if next == Token::Sign("(") || groups(&next) {
            if let Some(op) = AggregateOp::from_word(&lower) {
                self.at += 1;
                return self.aggregate(op, place);
            }
            return self.call(&word, place);
        }
        self.at += 1;
        match &*lower {
            "inf" if next != Token::Sign("{") => {
                built(Kind::Scalar, place, 0, Node::Number(f64::INFINITY))
            }
            "nan" if next != Token::Sign("{") => {
                built(Kind::Scalar, place, 0, Node::Number(f64::NAN))
            }
            _ => self.selector(Some((word, place))),
        }
    }

    fn call(&mut self, name: &str, place: Span) -> Found<Expr> {
        let Some(signature) = signature(name) else {
            let hint = elsewhere(&name.to_lowercase());
            let problem = match hint {
                Some(_) => unsupported(place, format_args!("calls of {name}")),
                None => syntax(place, format!("there is no function {name}")),
            };
            let meant = nearest(name).map(|name| format!("perhaps {name}(…)"));
            let hint = hint.filter(|hint| !hint.is_empty());
            return Err(
                match hint.map(str::to_owned).or(meant.filter(|_| hint.is_none())) {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                },
            );
        };
        self.at += 1;
        let arguments = self.arguments()?;
        let place = place.to(self.last());
        let takes = signature.takes;
        if arguments.len() > takes.len() || arguments.len() + signature.n_optional < takes.len() {
            let message = format!(
                "{name} takes {} arguments, not {}",
                takes.len(),
                arguments.len()
            );
            return Err(mistyped(place, message));
        }
        for (argument, kind) in arguments.iter().zip(takes) {
            if argument.kind != *kind {
                let found = argument.kind.as_str();
                let message = format!("{name} takes {} here, not {found}", kind.as_str());
                let problem = mistyped(argument.place, message);
                return Err(match kind {
                    Kind::Range => problem.hint(format!("write for instance {name}(…[5m])")),
                    _ => problem,
                });
            }
        }
        if let Function::Read(reading) = signature.function {
            let found = arguments.into_iter().next().map(|one| one.node);
            let Some(Node::Range(leaf, window_nano)) = found else {
                return Err(mistyped(place, "a window belongs right behind a selector"));
            };
            self.leaves[leaf].reading = reading(window_nano);
            return built(Kind::Vector, place, 0, Node::Leaf(leaf));
        }
        let below = arguments.iter().map(|one| one.height).max();
        let node = Node::Call(signature.function, arguments);
        built(signature.gives, place, below.unwrap_or(0), node)
    }

    /// Expressions in parentheses.
    fn arguments(&mut self) -> Found<Vec<Expr>> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expr(0)?);
            if !self.takes(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }

    fn aggregate(&mut self, op: AggregateOp, place: Span) -> Found<Expr> {
        let before = self.grouping()?;
        let mut arguments = self.arguments()?;
        let grouping = match before {
            Some(grouping) => Some(grouping),
            None => self.grouping()?,
        };
        let place = place.to(self.last());
        let by = grouping.unwrap_or_else(|| Grouping::By(BTreeSet::new()));
        let n_wanted = 1 + usize::from(op.takes_parameter());
        if arguments.len() != n_wanted {
            let message = format!("expected {n_wanted} arguments, not {}", arguments.len());
            return Err(mistyped(place, message));
        }
        let of = arguments.pop();
        let of = of.filter(|of| of.kind == Kind::Vector);
        let of = of.ok_or_else(|| mistyped(place, "an aggregation takes an instant vector"))?;
        let parameter = arguments.pop();
        if let Some(wrong) = parameter.as_ref().filter(|one| one.kind != Kind::Scalar) {
            return Err(mistyped(wrong.place, "expected a number"));
        }
        if let (Node::Leaf(leaf), Grouping::By(labels)) = (&of.node, &by)
            && matches!(op, AggregateOp::Sum | AggregateOp::Group)
        {
            self.leaves[*leaf].kept_labels = Some(labels.clone());
        }
        let below = parameter
            .as_ref()
            .map_or(0, |one| one.height)
            .max(of.height);
        let node = Node::Aggregate(Aggregate {
            op,
            by,
            parameter: parameter.map(Box::new),
            of: Box::new(of),
        });
        built(Kind::Vector, place, below, node)
    }

    fn grouping(&mut self) -> Found<Option<Grouping>> {
        Ok(if self.takes_word("by") {
            Some(Grouping::By(self.names()?))
        } else if self.takes_word("without") {
            Some(Grouping::Without(self.names()?))
        } else {
            None
        })
    }

    /// A selector with its window and offset; the name of the metric, where one stands before, has been taken.
    fn selector(&mut self, name: Option<(String, Span)>) -> Found<Expr> {
        let start = name.as_ref().map_or(self.place(), |(_, place)| *place);
        let mut matchers: Vec<Matcher> = Vec::new();
        if let Some((name, _)) = name {
            matchers.push(named(name));
        }
        if self.takes("{") {
            self.matchers(&mut matchers)?;
        }
        let selects = |one: &Matcher| !one.fits("");
        if !matchers.iter().any(selects) {
            let message = "a selector needs a matcher that does not fit the empty text";
            return Err(syntax(start.to(self.last()), message));
        }
        let window_nano = if self.takes("[") {
            Some(self.window()?)
        } else {
            None
        };
        let offset_nano = self.offset()?;
        let place = start.to(self.last());
        if self.leaves.len() >= LEAVES_MAX {
            let message = format!("the query has more than {LEAVES_MAX} selectors");
            return Err(limit(place, message));
        }
        self.leaves.push(Leaf {
            selector: Selector { matchers },
            reading: Reading::Count,
            offset_nano,
            kept_labels: None,
            place,
        });
        let leaf = self.leaves.len() - 1;
        match window_nano {
            Some(window_nano) => built(Kind::Range, place, 0, Node::Range(leaf, window_nano)),
            None => built(Kind::Vector, place, 0, Node::Leaf(leaf)),
        }
    }

    fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Found<()> {
        while !self.takes("}") {
            let place = self.place();
            let is_text = matches!(self.peek(), Token::Text(_));
            let name = self.name()?;
            let is_alone = matches!(self.peek(), Token::Sign("," | "}"));
            let matcher = if is_text && is_alone {
                named(name)
            } else {
                self.matcher(name)?
            };
            let has_name = matchers.iter().any(|one| one.name == NAME);
            if is_text && is_alone && has_name {
                return Err(syntax(place, "the name of the metric stands there twice"));
            }
            if matchers.len() >= MATCHERS_MAX {
                let message = format!("a selector has more than {MATCHERS_MAX} matchers");
                return Err(limit(place, message));
            }
            matchers.push(matcher);
            if !self.takes(",") && *self.peek() != Token::Sign("}") {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        Ok(())
    }

    fn matcher(&mut self, name: String) -> Found<Matcher> {
        let Token::Sign(op @ ("=" | "!=" | "=~" | "!~")) = *self.peek() else {
            return Err(self.unexpected("one of = != =~ !~"));
        };
        self.at += 1;
        let place = self.place();
        let Token::Text(value) = self.peek().clone() else {
            return Err(self.unexpected("a text in quotes"));
        };
        self.at += 1;
        let op = match op {
            "=" => MatchOp::Equal,
            "!=" => MatchOp::NotEqual,
            pattern_op => {
                self.n_patterns += 1;
                if self.n_patterns > PATTERNS_MAX {
                    let message =
                        format!("the query has more than {PATTERNS_MAX} regular expressions");
                    return Err(limit(place, message));
                }
                let pattern = traceql::pattern::compile(&value);
                let pattern = pattern
                    .map_err(|why| syntax(place, format!("malformed regular expression: {why}")))?;
                match pattern_op {
                    "=~" => MatchOp::Matches(pattern),
                    _ => MatchOp::MatchesNot(pattern),
                }
            }
        };
        Ok(Matcher { name, op, value })
    }

    /// The window of a selector in nanoseconds; its bracket is open.
    fn window(&mut self) -> Found<i64> {
        let place = self.place();
        let window_nano = self.duration()?;
        if *self.peek() == Token::Sign(":") {
            let problem = unsupported(place, "subqueries");
            return Err(problem.hint("write a window alone: [5m]"));
        }
        self.expect("]")?;
        if window_nano <= 0 {
            return Err(syntax(place, "a window is longer than 0"));
        }
        Ok(window_nano)
    }

    fn offset(&mut self) -> Found<i64> {
        if *self.peek() == Token::Sign("@") {
            let problem = unsupported(self.place(), "`@` and fixed times");
            return Err(problem.hint("give the time as a parameter, or write offset"));
        }
        if !self.takes_word("offset") {
            return Ok(0);
        }
        let is_later = self.takes("-");
        let nano = self.duration()?;
        if *self.peek() == Token::Sign("@") {
            return Err(unsupported(self.place(), "`@` and fixed times"));
        }
        Ok(if is_later { -nano } else { nano })
    }

    /// A duration, or seconds as a number.
    fn duration(&mut self) -> Found<i64> {
        let nano = match *self.peek() {
            Token::Duration(nano) => nano,
            // No window is longer than what counts can be kept for.
            Token::Number(seconds) if (0.0..1e9).contains(&seconds) => {
                (seconds * SECOND_NANO) as i64
            }
            _ => return Err(self.unexpected("a duration such as 5m")),
        };
        self.at += 1;
        Ok(nano)
    }
}

fn named(value: String) -> Matcher {
    Matcher {
        name: NAME.to_owned(),
        op: MatchOp::Equal,
        value,
    }
}
