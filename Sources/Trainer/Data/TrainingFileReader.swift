/// Reads the examples of a training file, one after the other.
///
/// Formats are recognised by themselves: JSON lines, a JSON array, CSV or plain text, holding
/// OpenAI's chat or completion examples, Alpaca's, ShareGPT's or texts. Memory is bounded by the
/// longest example.
public final class TrainingFileReader {
    /// How the file holds its records.
    public var container: RecordContainer { records.container }
    /// The format of the examples, known once the first is read.
    public private(set) var shape: ExampleShape?
    private let records: RecordReader
    private let file: TrainingFileLocation

    /// Opens a file.
    /// - Parameters:
    ///   - path: where the file lies.
    ///   - name: the name its author gave it, whose ending tells tables from plain text.
    public convenience init(path: String, name: String) throws(TrainingFileError) {
        try self.init(TrainingFileLocation(path: path, name: name))
    }

    /// Opens a file, whose columns may have names of their own.
    init(_ file: TrainingFileLocation) throws(TrainingFileError) {
        records = try RecordReader(path: file.path, name: file.name)
        self.file = file
    }

    /// SHA-256 of the whole file in lower-case hex; no example can be read after.
    func hash() throws(TrainingFileError) -> String { try records.hash() }

    /// The next example; `nil` at the end.
    /// - Throws: `TrainingFileError` with the line, for anything that is not an example.
    public func next() throws(TrainingFileError) -> TrainingExample? {
        guard var record = try records.next() else { return nil }
        if let mapping = file.mapping { record.value = mapping(record.value) }
        let shape = try ExampleShape.of(record.value, line: record.line)
        if let known = self.shape, known != shape {
            throw TrainingFileError(
                line: record.line,
                reason: "a '\(shape.rawValue)' example in a file of '\(known.rawValue)' examples"
            )
        }
        self.shape = shape
        let example = try shape.example(record.value, line: record.line)
        return file.defaultSystem.map(example.beginning(with:)) ?? example
    }
}
