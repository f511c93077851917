import Foundation
import InferenceRuntime
public import Storage

/// A job's newest checkpoint in the object store, from which another server can go on.
///
/// `jobs/KEY/latest` is written last and tells step and files, so that what it names is whole. A worker
/// that lost its job may still write an earlier step: the same run ends in the same bits from any.
struct SharedCheckpoint: Sendable {
    private let objects: (any ObjectStore)?
    private let key: String
    /// The folder of the folders `step-N`.
    private let folder: String
    private let threads: WorkerPool

    init(
        _ objects: (any ObjectStore)?,
        key: String,
        folder: String,
        _ threads: WorkerPool
    ) {
        self.objects = objects
        self.key = "jobs/\(key)"
        self.folder = folder
        self.threads = threads
    }

    init(of job: FineTuningJob, _ environment: EngineTrainer.Environment, _ threads: WorkerPool) {
        let folder = environment.folder(of: job) + "/checkpoints"
        self.init(environment.objects, key: job.key, folder: folder, threads)
    }

    /// Stores a checkpoint and forgets the one before.
    func put(_ checkpoint: TrainingCheckpoint) async throws {
        guard let objects else { return }
        let (key, folder, step) = (key, folder, checkpoint.step)
        try await threads.run {
            let before = try? latest(objects)
            let names = try FileTree.names(in: checkpoint.folder).sorted()
            for name in names {
                try objects.put("\(checkpoint.folder)/\(name)", as: "\(key)/step-\(step)/\(name)")
            }
            let latest: JSONValue = [
                "step": JSONValue(step), "files": .array(names.map(JSONValue.string)),
            ]
            let path = "\(folder)/\(DurableFile.temporaryMark)latest\(DurableFile.uniqueSuffix())"
            try DurableFile.write(latest.serializedBytes, to: path)
            defer { try? DurableFile.remove(path) }
            try objects.put(path, as: key + "/latest")
            if let before, before.step != step { remove(before, objects) }
        }
    }

    /// Fetches the checkpoint where it is further than what lies in the folder.
    func fetch() async throws {
        guard let objects else { return }
        let (key, folder) = (key, folder)
        try await threads.run {
            try DurableFile.makeFolder(folder)
            guard let latest = try latest(objects) else { return }
            if let own = TrainingCheckpoint.newest(below: folder), own.step >= latest.step {
                return
            }
            let staged = try StagingFolder(in: folder)
            for name in latest.files {
                try objects.get("\(key)/step-\(latest.step)/\(name)", to: staged.path(of: name))
            }
            let place = "\(folder)/step-\(latest.step)"
            try FileTree.remove(place)
            try DurableFile.rename(staged.path, to: place)
        }
    }

    /// Removes it; what cannot be removed only takes room.
    func remove() async {
        guard let objects else { return }
        await threads.run {
            guard let latest = try? latest(objects) else { return }
            try? objects.remove(key + "/latest")
            remove(latest, objects)
        }
    }

    /// What `latest` says.
    private struct Latest {
        let step: Int
        let files: [String]

        init(_ document: JSONValue) throws(ObjectStoreError) {
            let names = document["files"]?.array?.compactMap(\.string) ?? []
            guard let number = document["step"]?.int, !names.contains(where: { $0.contains("/") })
            else { throw .failed(reason: "what a job has left there is no checkpoint") }
            step = number
            files = names
        }
    }

    private func remove(_ latest: Latest, _ objects: any ObjectStore) {
        for name in latest.files { try? objects.remove("\(key)/step-\(latest.step)/\(name)") }
    }

    private func latest(_ objects: any ObjectStore) throws -> Latest? {
        let path = "\(folder)/\(DurableFile.temporaryMark)seen\(DurableFile.uniqueSuffix())"
        defer { try? DurableFile.remove(path) }
        guard try objects.getIfThere(key + "/latest", to: path) else { return nil }
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        return try Latest(JSONValue(parsing: [UInt8](bytes)))
    }
}

extension EngineTrainer {
    /// Stores the newest checkpoint of every job of a data directory.
    /// - Parameter folder: The folder with one folder per job.
    /// - Returns: How many there were.
    public static func share(
        checkpointsBelow folder: String,
        in objects: any ObjectStore
    ) async throws -> Int {
        let threads = WorkerPool(name: "share", limit: 1)
        var count = 0
        for key in (try? FileTree.names(in: folder)) ?? [] {
            let checkpoints = "\(folder)/\(key)/checkpoints"
            guard let newest = TrainingCheckpoint.newest(below: checkpoints) else { continue }
            try await SharedCheckpoint(objects, key: key, folder: checkpoints, threads).put(newest)
            count += 1
        }
        return count
    }

    /// Brings the newest checkpoint of a job here, however long the store is away.
    /// - Returns: `false` where the job is to stop meanwhile.
    func fetchCheckpoint(
        of job: FineTuningJob,
        _ control: TrainingControl
    ) async throws(FineTuningError) -> Bool {
        do {
            return try await Patience(control).wait {
                try await SharedCheckpoint(of: job, environment, threads).fetch()
            }
        } catch {
            throw FineTuningError(ending: error)
        }
    }
}
