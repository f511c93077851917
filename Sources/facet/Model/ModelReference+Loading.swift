import API
import Foundation
import InferenceRuntime

extension ServedCheckpoint {
    /// Loads what `--model` names, with progress on the terminal.
    static func load(
        _ reference: String,
        name: String?,
        _ options: EngineOptions,
        pool: ThreadPool
    ) throws -> ServedCheckpoint {
        let folder = try folder(reference)
        let line = ProgressLine("loading \(reference)")
        defer { line.finish() }
        return try ServedCheckpoint(
            folder: folder,
            name: name,
            templateFile: options.chatTemplate,
            compute: options.computeDtype,
            pool: pool
        ) { line.show($0.fraction) }
    }

    private static func folder(_ reference: String) throws -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: reference, isDirectory: &isFolder),
            isFolder.boolValue
        {
            return reference
        }
        throw CommandError(
            "There is no model '\(reference)': give a folder in Hugging Face layout."
        )
    }
}

/// A sentence for the one who typed the command.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
