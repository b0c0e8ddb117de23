//! Tables for terminals: columns, no frames.

use comfy_table::{ContentArrangement, Table};

/// An empty table with these headings. Lines are not broken: what does not fit is the terminal's to wrap, and pipes get one line a
/// row.
pub fn with_headings<'a>(headings: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.into_iter().map(|heading| console::style(heading).bold().to_string()));
    table
}

/// The table as text, each line without the spaces at its end.
pub fn to_text(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
}
