public import Storage

/// What is to become a generation: where it lies and what it shall be called.
public struct AdapterPublication: Sendable {
    /// The name; the trainer's begin with `ft:`, nobody else's.
    public var name: String
    /// A PEFT directory, a tar archive of one, or a llama.cpp LoRA file.
    public var path: String
    /// Where the path may lie; the store's roots unless the program itself made the files.
    public var roots: AdapterRoots?
    /// What to do if the name means something already.
    public var replacing: AdapterReplacement
    /// Where the adapter came from; what the folder says of itself fills the gaps.
    public var lineage: AdapterLineage
    /// Free labels.
    public var tags: [String]
    /// The most bytes of weights its owner's adapters may take together, this one included.
    public var ownerLimit: Int?
    /// Runs in the transaction that publishes; what it throws publishes nothing.
    public var fence: (@Sendable (DatabaseSession) throws -> Void)?
    /// Whether the trainer publishes it: only then may the name begin with `ft:`.
    private(set) var isTrained = false

    /// Something to load from below the store's roots.
    public init(
        name: String,
        path: String,
        replacing: AdapterReplacement,
        lineage: AdapterLineage = AdapterLineage(),
        tags: [String] = []
    ) {
        self.name = name
        self.path = path
        self.replacing = replacing
        self.lineage = lineage
        self.tags = tags
    }

    /// A directory the trainer has written, under its `ft:` name.
    public static func trained(
        name: String,
        folder: String,
        lineage: AdapterLineage
    ) -> AdapterPublication {
        var publication = AdapterPublication(
            name: name,
            path: folder,
            replacing: .always,
            lineage: lineage
        )
        publication.roots = .everywhere
        publication.isTrained = true
        return publication
    }
}
