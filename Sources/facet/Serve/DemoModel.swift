import Foundation

/// The demo that is served when no model is named.
struct DemoModel {
    /// The checkpoint.
    let folder: String
    /// What requests call it.
    let name = "facet-demo"
    /// Its experts.
    let adapters: [AdapterArgument]

    /// Finds the demo beside the executable's package, or beside the executable.
    static func locate() throws -> DemoModel {
        for folder in candidates {
            guard FileManager.default.fileExists(atPath: folder + "/base/config.json") else {
                continue
            }
            let experts = folder + "/adapters"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: experts)) ?? []
            return DemoModel(
                folder: folder + "/base",
                adapters: names.sorted().compactMap {
                    AdapterArgument(argument: "\($0)=\(experts)/\($0)")
                }
            )
        }
        throw CommandError(
            "The demo model is not there: looked in \(candidates.joined(separator: ", ")). "
                + "Give a model with --model."
        )
    }

    /// `$FACET_DEMO`, then `demo` in each folder above the executable.
    private static var candidates: [String] {
        var folders = [ProcessInfo.processInfo.environment["FACET_DEMO"]].compactMap { $0 }
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        var folder = executable.deletingLastPathComponent()
        for _ in 0..<6 where folder.path != "/" {
            folders += [folder.path + "/demo", folder.path + "/share/facet/demo"]
            folder = folder.deletingLastPathComponent()
        }
        return folders
    }
}
