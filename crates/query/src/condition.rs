//! A TraceQL filter compiled for columns.
//!
//! Comparisons of a field with a constant, which nearly all are, become [`Condition::Test`] and run once per distinct value;
//! what else the language allows runs row by row as [`Condition::General`].

use std::borrow::Cow;

use columnar::Column;
use store_api::{AttributeProjection, AttributeScope};
use traceql::{CompareOp, Expr, ExprKind, Field, Intrinsic, Literal, Query, Scope};

use crate::error::Error;
use crate::operand::{Operand, OperandKind};
use crate::value::{Test, Tri, Value};

/// Where the values of a field come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    /// A field of the language.
    Field(Field),
    /// The helper column of `resource.service.name`; exact only for equality with a text that is not empty.
    ServiceName,
}

/// A condition on one span.
#[derive(Debug)]
pub(crate) enum Condition {
    Const(Tri),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    /// The field compared with a constant.
    Test(Origin, Test, Value<'static>),
    /// Whether the field is there.
    Present(Origin),
    /// Two operands of any sort.
    General(Operand, Test, Operand),
}

impl Condition {
    /// Compiles the filter of a query that `traceql` has checked.
    ///
    /// Errors: `Pattern`, for trees that were not checked; `Unsupported`, for queries that are more than one filter.
    pub(crate) fn compile(query: &Query) -> Result<Self, Error> {
        if let Some(beyond) = query.beyond_filter() {
            return Err(Error::Unsupported {
                what: beyond.what,
                place: beyond.place,
            });
        }
        Self::of_filter(query.filter_only().flatten())
    }

    /// Compiles the filter between braces; `None` holds for every span.
    pub(crate) fn of_filter(filter: Option<&Expr>) -> Result<Self, Error> {
        filter.map_or(Ok(Self::Const(Tri::True)), Self::of)
    }

    pub(crate) fn of(expr: &Expr) -> Result<Self, Error> {
        Ok(match &expr.kind {
            ExprKind::Literal(Literal::Bool(truth)) => Self::Const((*truth).into()),
            // No condition, as the checks say; so no span meets it.
            ExprKind::Literal(_) | ExprKind::Negate(_) | ExprKind::Arithmetic { .. } => {
                Self::Const(Tri::False)
            }
            ExprKind::Field(field) => {
                Self::Test(Origin::Field(field.clone()), Test::Eq, Value::Bool(true))
            }
            ExprKind::Not(inner) => Self::Not(Box::new(Self::of(inner)?)),
            ExprKind::And(parts) => {
                Self::All(parts.iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            ExprKind::Or(parts) => Self::Any(parts.iter().map(Self::of).collect::<Result<_, _>>()?),
            ExprKind::Compare { op, left, right } => Self::compare(*op, left, right)?,
        })
    }

    fn compare(op: CompareOp, left: &Expr, right: &Expr) -> Result<Self, Error> {
        let flipped = op.flipped();
        match (&left.kind, &right.kind, flipped) {
            (ExprKind::Field(field), ExprKind::Literal(literal), _) => {
                Self::with_constant(field, op, literal)
            }
            (ExprKind::Literal(literal), ExprKind::Field(field), Some(op)) => {
                Self::with_constant(field, op, literal)
            }
            _ => {
                let (left, right) = (Operand::of(left)?, Operand::of(right)?);
                let pattern = match &right.kind {
                    OperandKind::Const(value) => value.clone(),
                    _ => Value::Absent,
                };
                let test = Test::new(op, &pattern).map_err(Error::Pattern)?;
                Ok(Self::General(left, test, right))
            }
        }
    }

    fn with_constant(field: &Field, op: CompareOp, literal: &Literal) -> Result<Self, Error> {
        let origin = Origin::Field(field.clone());
        if *literal == Literal::Nil {
            let present = Self::Present(origin);
            return Ok(match op {
                CompareOp::NotEq => present,
                CompareOp::Eq => Self::Not(Box::new(present)),
                _ => Self::Const(Tri::False),
            });
        }
        let mut value = Value::of_literal(literal);
        let test = Test::new(op, &value).map_err(Error::Pattern)?;
        if let (Field::Intrinsic(intrinsic), Value::Text(text)) = (field, &value)
            && matches!(op, CompareOp::Eq | CompareOp::NotEq)
        {
            value = Value::Text(Cow::Owned(spell_id(*intrinsic, text)));
        }
        let exact_by_column = op == CompareOp::Eq
            && matches!(&value, Value::Text(text) if !text.is_empty())
            && is_service_name(field);
        let origin = if exact_by_column {
            Origin::ServiceName
        } else {
            origin
        };
        Ok(Self::Test(origin, test, value))
    }

    /// What judging a row takes.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        match self {
            Self::Const(_) => {}
            Self::Not(inner) => inner.needs(needs),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.needs(needs);
                }
            }
            Self::Test(origin, ..) | Self::Present(origin) => origin.needs(needs),
            Self::General(left, _, right) => {
                left.needs(needs);
                right.needs(needs);
            }
        }
    }
}

/// Columns, and of their lists of attributes those that are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) columns: Vec<Column>,
    pub(crate) attributes: AttributeProjection,
}

impl Needs {
    /// All columns and attributes.
    pub(crate) fn everything() -> Self {
        Self {
            columns: Column::ALL.into(),
            attributes: AttributeProjection::All,
        }
    }

    /// These columns, and no attributes.
    pub(crate) fn of(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            attributes: AttributeProjection::Only(Vec::new()),
        }
    }

    /// Adds what `fields` stand in.
    pub(crate) fn add_fields(&mut self, fields: &[&Field]) {
        for field in fields {
            Origin::Field((*field).clone()).needs(self);
        }
    }

    fn attribute(&mut self, column: Column, scope: AttributeScope, name: &str) {
        self.columns.push(column);
        if let AttributeProjection::Only(names) = &mut self.attributes {
            let named = (scope, name.to_owned());
            if !names.contains(&named) {
                names.push(named);
            }
        }
    }
}

impl Origin {
    /// What holds the field; nothing for what only a whole trace has.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        let columns = &mut needs.columns;
        let field = match self {
            Self::ServiceName => return columns.push(Column::ServiceName),
            Self::Field(field) => field,
        };
        match field {
            Field::Attribute { scope, name } => match scope {
                Scope::Any => {
                    columns.push(Column::Resource);
                    needs.attribute(Column::Attributes, AttributeScope::Span, name);
                }
                Scope::Span => needs.attribute(Column::Attributes, AttributeScope::Span, name),
                Scope::Resource => columns.push(Column::Resource),
                Scope::Event => needs.attribute(Column::Events, AttributeScope::Event, name),
                Scope::Link => needs.attribute(Column::Links, AttributeScope::Link, name),
                Scope::Instrumentation => columns.push(Column::Scope),
                Scope::Parent | Scope::ParentSpan | Scope::ParentResource => {
                    let own = Field::attribute(scope.of_own(), name.clone());
                    Self::Field(own).needs(needs);
                }
            },
            Field::Intrinsic(intrinsic) => {
                columns.extend(columns_of(*intrinsic).unwrap_or_default());
            }
        }
    }
}

/// The columns that an intrinsic is read from; `None` for what only a whole trace has.
pub(crate) fn columns_of(intrinsic: Intrinsic) -> Option<&'static [Column]> {
    Some(match intrinsic {
        Intrinsic::SpanStatus => &[Column::StatusCode],
        Intrinsic::SpanStatusMessage => &[Column::StatusMessage],
        Intrinsic::SpanDuration => &[Column::DurationNano],
        Intrinsic::SpanName => &[Column::Name],
        Intrinsic::SpanKind => &[Column::Kind],
        Intrinsic::SpanId => &[Column::SpanId],
        Intrinsic::SpanParentId => &[Column::ParentSpanId],
        Intrinsic::SpanStartTime => &[Column::StartTimeUnixNano],
        Intrinsic::TraceId => &[Column::TraceId],
        Intrinsic::EventName => &[Column::Events],
        Intrinsic::EventTimeSinceStart => &[Column::Events, Column::StartTimeUnixNano],
        Intrinsic::LinkSpanId | Intrinsic::LinkTraceId => &[Column::Links],
        Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => &[Column::Scope],
        Intrinsic::SpanChildCount
        | Intrinsic::TraceSpanCount
        | Intrinsic::TraceErrorCount
        | Intrinsic::TraceHasRoot
        | Intrinsic::TraceDuration
        | Intrinsic::TraceRootName
        | Intrinsic::TraceRootService
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent => return None,
    })
}

pub(crate) fn is_service_name(field: &Field) -> bool {
    matches!(field, Field::Attribute { scope: Scope::Resource, name } if name == "service.name")
}

/// Ids in the case and length in which they are stored; other text as it is.
pub(crate) fn spell_id(intrinsic: Intrinsic, text: &str) -> String {
    let digits = match intrinsic {
        Intrinsic::TraceId | Intrinsic::LinkTraceId => 32,
        Intrinsic::SpanId | Intrinsic::SpanParentId | Intrinsic::LinkSpanId => 16,
        _ => return text.to_owned(),
    };
    format!("{:0>digits$}", text.to_ascii_lowercase())
}
