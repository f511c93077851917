import Testing

/// What nobody uses is deleted the same day.
@Suite("Names are used")
struct NameTests {
    /// Names that a library or the compiler asks for by name.
    static let askedFor: Set = [
        "Facet", "InboundIn", "callAsFunction", "channelRead", "channelReadComplete",
        "defaultValueDescription", "isIsolatingCurrentContext", "unownedExecutor",
    ]

    /// What only tests can ask: the end of the loop.
    ///
    /// The list only gets shorter.
    static let askedByTests: Set = ["shutdown"]

    @Test("every type, function, property and case is used by the program itself")
    func used() {
        let names = UnusedNames(TidyTests.sources).names
        let unused = Set(names.map(\.name))
        for (name, path) in names where !Self.known.contains(name) {
            Issue.record("\(path): nothing uses '\(name)', unless a test does")
        }
        for name in Self.known where !unused.contains(name) {
            Issue.record("'\(name)' is used or gone; take it off the list")
        }
    }

    private static let known = askedFor.union(askedByTests)

    @Test("a name that only its declaration, a comment or a string mentions is found")
    func findsUnused() {
        let text = """
            // unheard and unseen
            struct Shape { case round; let unseen = "unseen"; func draw(_ x: Shape) {} }
            func unheard() { print("\\(x.round)", draw) }
            func unheard(twice: Int) {}
            """
        let files = [SourceFile(path: "Sources/M/F.swift", text: text)]
        #expect(UnusedNames(files).names.map(\.name) == ["unheard", "unseen"])
    }
}

/// The names that are declared and occur nowhere else.
struct UnusedNames {
    /// Each name with a file that declares it, by name.
    let names: [(name: String, path: String)]

    init(_ files: [SourceFile]) {
        var uses: [String: Int] = [:]
        var homes: [String: String] = [:]
        for file in files {
            for token in file.tokens where token.isWord { uses[token.text, default: 0] += 1 }
            for declaration in file.declarations {
                uses[declaration.name, default: 0] -= 1
                homes[declaration.name] = file.path
            }
        }
        names = homes.filter { uses[$0.key, default: 0] <= 0 }
            .map { (name: $0.key, path: $0.value) }
            .sorted { $0.name < $1.name }
    }
}
