//! Judges the rows of a batch by a condition.
//!
//! Each comparison with a constant is made once per distinct dictionary value and looked up per row. An event's or
//! link's field has a value per event or link; a comparison holds when it holds for any of them.

mod column;

use arrow::array::RecordBatch;
use columnar::{SpanColumns, ViewError};
use traceql::Type;
use traceql::ast::ArithmeticOp;

use crate::condition::{Condition, Origin};
use crate::context::TraceContext;
use crate::operand::{Operand, OperandKind, calculated, negated};
use crate::value::{Tri, Value};

pub(crate) use column::{FieldColumn, NamedAttribute};

/// The verdict on each row of `batch`. Without a context, what depends on whole traces is unknown.
///
/// Errors: `ViewError` when the batch lacks one of [`Condition::needs`].
pub(crate) fn judge(
    condition: &Condition,
    batch: &RecordBatch,
    context: Option<&TraceContext>,
) -> Result<Vec<Tri>, ViewError> {
    Judge {
        columns: SpanColumns::new(batch),
        context,
    }
    .condition(condition)
}

struct Judge<'a> {
    columns: SpanColumns<'a>,
    context: Option<&'a TraceContext>,
}

impl<'a> Judge<'a> {
    fn condition(&self, condition: &Condition) -> Result<Vec<Tri>, ViewError> {
        let rows = self.columns.len();
        Ok(match condition {
            Condition::Const(truth) => vec![*truth; rows],
            Condition::Not(inner) => self.condition(inner)?.into_iter().map(|v| !v).collect(),
            Condition::All(parts) => self.fold(parts, Tri::True, Tri::min)?,
            Condition::Any(parts) => self.fold(parts, Tri::False, Tri::max)?,
            Condition::Test(origin, test, value) => self
                .column(origin)?
                .test(rows, |found| test.holds(found, value)),
            Condition::Present(origin) => self.column(origin)?.test(rows, |found| match found {
                Value::Absent => Tri::False,
                Value::Unknown => Tri::Unknown,
                _ => Tri::True,
            }),
            Condition::General(left, test, right) => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                (0..rows)
                    .map(|row| {
                        let (left, right) = (left.values(row), right.values(row));
                        let pairs = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
                        pairs
                            .map(|(l, r)| test.holds(l, r))
                            .max()
                            .unwrap_or(Tri::False)
                    })
                    .collect()
            }
        })
    }

    /// Joins the verdicts of `parts`; stops early once every row has the value that cannot change any more.
    fn fold(
        &self,
        parts: &[Condition],
        neutral: Tri,
        join: fn(Tri, Tri) -> Tri,
    ) -> Result<Vec<Tri>, ViewError> {
        let mut verdicts = vec![neutral; self.columns.len()];
        for part in parts {
            if verdicts.iter().all(|verdict| *verdict == !neutral) {
                break;
            }
            for (verdict, next) in verdicts.iter_mut().zip(self.condition(part)?) {
                *verdict = join(*verdict, next);
            }
        }
        Ok(verdicts)
    }

    fn operand<'o>(&self, operand: &'o Operand) -> Result<Values<'o>, ViewError>
    where
        'a: 'o,
    {
        let typed = |operand: &'o Operand| -> Result<_, ViewError> {
            Ok((Box::new(self.operand(operand)?), operand.ty))
        };
        Ok(match &operand.kind {
            OperandKind::Const(value) => Values::Const(value),
            OperandKind::Field(origin) => Values::Column(Box::new(self.column(origin)?)),
            OperandKind::Condition(condition) => Values::Verdicts(self.condition(condition)?),
            OperandKind::Negate(inner) => Values::Negated(typed(inner)?),
            OperandKind::Arithmetic(op, left, right) => {
                Values::Calculated(*op, typed(left)?, typed(right)?)
            }
        })
    }

    fn column(&self, origin: &Origin) -> Result<FieldColumn<'a>, ViewError> {
        FieldColumn::new(&self.columns, origin, self.context)
    }
}

/// An operand over the rows of a batch.
pub(crate) enum Values<'a> {
    Const(&'a Value<'static>),
    Column(Box<FieldColumn<'a>>),
    Verdicts(Vec<Tri>),
    Negated(Typed<'a>),
    Calculated(ArithmeticOp, Typed<'a>, Typed<'a>),
}

type Typed<'a> = (Box<Values<'a>>, Type);

/// The values of `operand` over the rows of `batch`.
///
/// Errors: `ViewError` when the batch lacks one of [`Operand::needs`].
pub(crate) fn values_of<'a>(
    operand: &'a Operand,
    batch: &'a RecordBatch,
    context: Option<&'a TraceContext>,
) -> Result<Values<'a>, ViewError> {
    Judge {
        columns: SpanColumns::new(batch),
        context,
    }
    .operand(operand)
}

impl<'a> Values<'a> {
    /// Its values on one row: several for events and links. Absent ones may be left out.
    pub(crate) fn values(&self, row: usize) -> Vec<Value<'a>> {
        match self {
            Self::Const(value) => vec![(*value).clone()],
            Self::Column(column) => column.values(row),
            Self::Verdicts(verdicts) => vec![match verdicts[row] {
                Tri::False => Value::Bool(false),
                Tri::Unknown => Value::Unknown,
                Tri::True => Value::Bool(true),
            }],
            Self::Negated((inner, ty)) => {
                let inner = inner.values(row);
                inner.iter().map(|value| negated(value, *ty)).collect()
            }
            Self::Calculated(op, (left, left_type), (right, right_type)) => {
                let (left, right) = (left.values(row), right.values(row));
                let pairs = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
                pairs
                    .map(|(l, r)| calculated(*op, (l, *left_type), (r, *right_type)))
                    .collect()
            }
        }
    }
}
