/// Which folder of a module uses types of which other: computed from the names in the sources.
///
/// A folder is the first one below the module's; what lies beside the folders counts as `.`.
struct FolderGraph {
    /// One folder using another, and by which types.
    struct Arrow: Hashable, Comparable, CustomStringConvertible {
        let from: String
        let to: String

        var description: String { "\(from) → \(to)" }

        static func < (left: Arrow, right: Arrow) -> Bool {
            (left.from, left.to) < (right.from, right.to)
        }
    }

    /// Every arrow, with the types that make it.
    private(set) var arrows: [Arrow: Set<String>] = [:]

    /// The graph of one module's files.
    init(_ files: [SourceFile]) {
        var homes: [String: Set<String>] = [:]
        for file in files {
            for type in file.declarations where type.isType && type.depth == 0 && !type.isPrivate {
                homes[type.name, default: []].insert(file.folder)
            }
        }
        for file in files {
            for word in Set(file.tokens.map(\.text)) {
                guard let homes = homes[word], !homes.contains(file.folder) else { continue }
                for home in homes {
                    arrows[Arrow(from: file.folder, to: home), default: []].insert(word)
                }
            }
        }
    }

    /// The arrows that lie on a circle: their end leads back to their start.
    var circular: [Arrow] {
        let next = Dictionary(grouping: arrows.keys, by: \.from).mapValues { $0.map(\.to) }
        func isReachable(_ goal: String, from start: String) -> Bool {
            var seen: Set = [start]
            var open = [start]
            while let folder = open.popLast() {
                if folder == goal { return true }
                open += next[folder, default: []].filter { seen.insert($0).inserted }
            }
            return false
        }
        return arrows.keys.filter { isReachable($0.from, from: $0.to) }.sorted()
    }
}
