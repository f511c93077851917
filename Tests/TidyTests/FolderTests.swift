import Testing

/// The folders of a module are in layers: what one uses never leads back to it.
@Suite("Folders point one way")
struct FolderTests {
    typealias Arrow = FolderGraph.Arrow

    static let modules = Dictionary(grouping: TidyTests.sources, by: \.module)

    @Test("no folder leads back to itself", arguments: modules.keys.sorted())
    func noCircles(module: String) {
        let graph = FolderGraph(Self.modules[module] ?? [])
        for arrow in graph.circular {
            let types = graph.arrows[arrow, default: []].sorted().joined(separator: ", ")
            Issue.record("\(module): \(arrow), which leads back, by \(types)")
        }
    }

    @Test("a circle of three folders is found with the types that make it; comments make none")
    func findsCircles() {
        func file(_ folder: String, _ text: String) -> SourceFile {
            SourceFile(path: "Sources/M/\(folder)/F.swift", text: text)
        }
        var files = [
            file("A", "public struct One { let two: Two }"),
            file("B", "struct Two { func f() { \"\\(Three.self)\" } }"),
            file("C", "// One is elsewhere\nenum Three { static let text = \"One\" }"),
            file("D", "private struct One {}\nlet four = Two()"),
        ]
        #expect(FolderGraph(files).circular.isEmpty)
        files.append(SourceFile(path: "Sources/M/C/G.swift", text: "extension One {}"))
        let circle = [("A", "B"), ("B", "C"), ("C", "A")].map { Arrow(from: $0.0, to: $0.1) }
        let graph = FolderGraph(files)
        #expect(graph.circular == circle)
        #expect(graph.arrows[circle[2]] == ["One"])
    }
}
