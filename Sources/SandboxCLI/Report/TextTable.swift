/// Rows of text in columns as wide as their cells.
struct TextTable {
    private let columns: Int
    private var rows: [[String]] = []
    /// A cell wider than this pushes its own row out instead of the whole column.
    private let widestColumn: Int

    init(columns: Int, widestColumn: Int = 48) {
        self.columns = columns
        self.widestColumn = widestColumn
    }

    /// Adds a row; it has a cell for each column.
    mutating func add(_ cells: [String]) {
        precondition(cells.count == columns, "a row has as many cells as the table has columns")
        rows.append(cells)
    }

    /// The lines without trailing blanks, two blanks between columns; the last column is not padded.
    func lines(indent: Int) -> [String] {
        let widths = (0..<columns).map(width)
        return rows.map { row in
            guard row.contains(where: { !$0.isEmpty }) else { return "" }
            var line = String(repeating: " ", count: indent)
            for (index, cell) in row.enumerated() {
                line += cell
                guard row[(index + 1)...].contains(where: { !$0.isEmpty }) else { break }
                line += String(repeating: " ", count: max(widths[index] - Shown.width(cell), 0) + 2)
            }
            return line
        }
    }

    private func width(of column: Int) -> Int {
        rows.map { Shown.width($0[column]) }.filter { $0 <= widestColumn }.max() ?? 0
    }
}
