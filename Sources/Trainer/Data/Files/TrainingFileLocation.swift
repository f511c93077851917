/// A data file on disk.
public struct TrainingFileLocation: Sendable, Hashable {
    /// Where it lies.
    public var path: String
    /// The name its author gave it.
    public var name: String
    /// What its columns are called, where not as usual.
    var mapping: RecordMapping?
    /// The system prompt of conversations that have none.
    var defaultSystem: String?

    /// A data file on disk.
    public init(path: String, name: String) {
        self.path = path
        self.name = name
    }
}
