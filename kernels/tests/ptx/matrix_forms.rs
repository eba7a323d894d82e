//! The forms of the tensor-core opcodes.
//!
//! In:  statements of `ldmatrix`, `stmatrix`, `mma` and `wmma`.
//! Out: what [`super::matrix`] executes; shapes and element types outside its list are refused.
//! Source: PTX ISA, "Warp level matrix multiply-accumulate instructions".

use super::fragments::{Element, Fragment, MatrixCopy, MatrixProduct, Shape, WideFragment};
use super::operand::Statement;
use super::program::{Action, Space, Type};

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    match (statement.parts[0], statement.parts.get(1).copied()) {
        ("ldmatrix", _) => Ok(vec![Action::LoadMatrix(matrix_copy(statement, 1, 0)?)]),
        ("stmatrix", _) => Ok(vec![Action::StoreMatrix(matrix_copy(statement, 0, 1)?)]),
        ("wmma", Some("load")) => Ok(vec![Action::LoadFragment(wide_fragment(statement)?)]),
        ("wmma", Some("store")) => Ok(vec![Action::StoreFragment(wide_fragment(statement)?)]),
        ("mma", _) | ("wmma", Some("mma")) => Ok(vec![Action::Product(product(statement)?)]),
        _ => Err("is not known".to_owned()),
    }
}

fn matrix_copy(statement: &Statement, at: usize, values: usize) -> Result<MatrixCopy, String> {
    statement.allow(&["sync", "aligned", "m8n8", "x1", "x2", "x4", "trans", "shared", "shared::cta"])?;
    statement.count(2..=2)?;
    if !statement.has("m8n8") || statement.kind()? != Type::B16 {
        return Err("has no such form".to_owned());
    }
    let registers = statement.targets(values)?;
    let named = [("x1", 1), ("x2", 2), ("x4", 4)].into_iter().find(|(part, _)| statement.has(part));
    if named.map(|(_, count)| count) != Some(registers.len()) {
        return Err(format!("has {} registers", registers.len()));
    }
    Ok(MatrixCopy { address: statement.address(at)?, registers, is_transposed: statement.has("trans") })
}

/// The shape named as `m16n8k16`.
fn shape(statement: &Statement) -> Result<(Shape, String), String> {
    let number = |text: &str, from: char, to: Option<char>| {
        let start = text.find(from)? + 1;
        let end = to.map_or(Some(text.len()), |to| text.find(to))?;
        text.get(start..end)?.parse::<usize>().ok()
    };
    let read = |text: &str| {
        let shape = Shape {
            rows: number(text, 'm', Some('n'))?,
            columns: number(text, 'n', Some('k'))?,
            depth: number(text, 'k', None)?,
        };
        Some((shape, text.to_owned()))
    };
    statement.parts.iter().find_map(|part| read(part)).ok_or_else(|| "names no shape".to_owned())
}

fn element(kind: Type) -> Result<Element, String> {
    match kind {
        Type::F16 => Ok(Element::F16),
        Type::Bf16 => Ok(Element::Bf16),
        Type::Tf32 => Ok(Element::Tf32),
        Type::F32 => Ok(Element::F32),
        other => Err(format!("has elements of {other:?}, which are not known")),
    }
}

fn layouts(statement: &Statement) -> Vec<bool> {
    let layout = |part: &&str| match *part {
        "row" => Some(true),
        "col" => Some(false),
        _ => None,
    };
    statement.parts.iter().filter_map(layout).collect()
}

fn product(statement: &Statement) -> Result<MatrixProduct, String> {
    let is_wide = statement.parts[0] == "wmma";
    let (shape, name) = shape(statement)?;
    statement.allow(&["sync", "aligned", "mma", "row", "col", &name])?;
    statement.count(4..=4)?;
    // `mma` and the alternate formats of `wmma` name D, A, B, C; `wmma` on f16 names D and C only.
    let kinds = statement.kinds();
    let (result, input, added) = match kinds[..] {
        [d, a, b, c] if a == b => (d, a, c),
        [d, c] if is_wide => (d, Type::F16, c),
        _ => return Err(format!("has elements {kinds:?}, which are not known")),
    };
    let [element_of_input, of_result, of_added] = [element(input)?, element(result)?, element(added)?];
    let product = MatrixProduct {
        is_wide,
        shape,
        input: element_of_input,
        result: of_result,
        added: of_added,
        registers: [statement.targets(0)?, statement.targets(1)?, statement.targets(2)?, Vec::new()],
        addends: statement.sources(3)?,
    };
    let is_row_by_column = layouts(statement) == [true, false];
    product.check(is_row_by_column)?;
    Ok(product)
}

/// `wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {...}, [p], stride;`
fn wide_fragment(statement: &Statement) -> Result<WideFragment, String> {
    let (shape, name) = shape(statement)?;
    let spaces = ["shared", "shared::cta", "global"];
    let parts = ["load", "store", "a", "b", "c", "d", "sync", "aligned", "row", "col", &name];
    statement.allow(&[&parts[..], &spaces].concat())?;
    statement.count(2..=3)?;
    let is_load = statement.has("load");
    let fragment = match statement.parts[2] {
        "a" => Fragment::A,
        "b" => Fragment::B,
        _ => Fragment::Accumulator,
    };
    let is_row_major = layouts(statement) == [true];
    let (rows, columns) = fragment.size(shape);
    let stride = if statement.operands.len() == 3 {
        statement.source(2)?
    } else {
        super::program::Source::Immediate(if is_row_major { columns } else { rows } as u64)
    };
    let space = if statement.has("global") {
        Space::Global
    } else if statement.has("shared") || statement.has("shared::cta") {
        Space::Shared
    } else {
        Space::Generic
    };
    let [at, values] = if is_load { [1, 0] } else { [0, 1] };
    let wide = WideFragment {
        space,
        address: statement.address(at)?,
        stride,
        rows,
        columns,
        is_row_major,
        element: element(statement.kind()?)?,
        registers: statement.targets(values)?,
    };
    wide.check()?;
    Ok(wide)
}
