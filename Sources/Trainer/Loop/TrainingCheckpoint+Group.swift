import Foundation
import InferenceRuntime
import Storage

extension TrainingCheckpoint {
    /// Puts process 0's newest checkpoint into the others' folders, so that all go on from the same step,
    /// also where they share no file system.
    /// - Parameter folder: The folder of the folders `step-N`, of each process its own.
    static func share(below folder: String, in group: any ProcessGroup) throws {
        let newest = group.rank == 0 ? newest(below: folder) : nil
        let path = newest?.folder ?? ""
        let names = try newest.map {
            try FileManager.default.contentsOfDirectory(atPath: $0.folder)
        }
        let list = ([(path as NSString).lastPathComponent] + (names ?? []).sorted())
            .joined(separator: "\n")
        let shared = String(decoding: try group.broadcast(Array(list.utf8)), as: UTF8.self)
            .components(separatedBy: "\n")
        guard shared.count > 1 else { return }
        let target = "\(folder)/\(shared[0])"
        if group.rank > 0 { try DurableFile.makeFolder(target) }
        for name in shared.dropFirst() {
            let own =
                group.rank == 0
                ? try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))) : []
            let bytes = try group.broadcast(own)
            if group.rank > 0 { try DurableFile.write(bytes, to: "\(target)/\(name)") }
        }
    }
}
