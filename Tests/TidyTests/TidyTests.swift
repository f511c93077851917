import Testing

/// The house keeps itself tidy: what `docs/ARCHITECTURE.md` says about walls and sizes is checked.
@Suite("The house is tidy")
struct TidyTests {
    static let sources = SourceFile.all(below: "Sources")
    static let everything = sources + SourceFile.all(below: "Tests")

    /// Folders that alone may import a C module.
    static let homesOfC = [
        "CKernels": ["Sources/Runtime/Kernels/"],
        "COpenBLAS": ["Sources/Runtime/Kernels/"],
        "CPCRE2": ["Sources/Runtime/Tokenizer/"],
        "CPostgres": ["Sources/Storage/Postgres/"],
        "CZlib": ["Sources/Trainer/Data/Compression/", "Sources/API/Console/"],
        "CZstd": ["Sources/Trainer/Data/Compression/"],
        "CConsole": ["Sources/API/Console/"],
        "CCurl": ["Sources/API/Curl/"],
        "CLibUV": ["Sources/API/EventLoop/"],
    ]

    /// What each module may not import, because it lies to its right.
    static let forbidden = [
        "Sources/Runtime/": [
            "Storage", "AdapterStore", "Trainer", "API", "GRDB", "NIOCore", "ArgumentParser",
        ],
        "Sources/Storage/": ["AdapterStore", "Trainer", "API", "NIOCore", "ArgumentParser"],
        "Sources/AdapterStore/": ["Trainer", "API", "NIOCore", "ArgumentParser"],
        "Sources/Trainer/": ["API", "NIOCore", "ArgumentParser"],
        "Sources/API/": ["ArgumentParser"],
    ]

    @Test("the sources were found")
    func sourcesAreThere() {
        #expect(Self.sources.count > 10)
    }

    @Test("C modules are imported only in the folder that wraps them")
    func homesOfC() {
        for file in Self.sources {
            for module in file.imports {
                guard let homes = Self.homesOfC[module] else { continue }
                #expect(
                    homes.contains { file.path.hasPrefix($0) },
                    "\(file.path) imports \(module)"
                )
            }
        }
    }

    @Test("nothing points left: a module imports only what lies to its right")
    func dependencyLine() {
        for file in Self.sources {
            for (folder, modules) in Self.forbidden where file.path.hasPrefix(folder) {
                for module in file.imports {
                    #expect(!modules.contains(module), "\(file.path) imports \(module)")
                }
            }
        }
    }

    @Test("files stay below 400 lines: one noun each")
    func fileLength() {
        for file in Self.everything {
            #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test("functions stay below 70 lines")
    func functionLength() {
        for file in Self.sources {
            for function in file.functions {
                #expect(
                    function.length <= 70,
                    "\(file.path):\(function.line) is \(function.length) lines long"
                )
            }
        }
    }

    @Test(
        "traps, prints and leftovers stay out of the sources",
        arguments: ["try!", "as!", "fatalError(", "TODO", "FIXME", "XXX"]
    )
    func banned(_ word: String) {
        for file in Self.sources {
            for (index, line) in file.lines.enumerated() where line.contains(word) {
                Issue.record("\(file.path):\(index + 1) contains \(word)")
            }
        }
    }

    @Test("only the command line prints")
    func prints() {
        for file in Self.sources where !file.path.hasPrefix("Sources/facet/") {
            for (index, line) in file.lines.enumerated() {
                let words = line.split { " (".contains($0) }
                #expect(words.first != "print", "\(file.path):\(index + 1) prints")
            }
        }
    }
}
