import Foundation
import Glibc
import InferenceRuntime

/// Downloads a checkpoint into the cache: listing → descriptions → weights → one rename.
///
/// What has arrived stays when a pull is stopped, and the next one goes on from there.
public struct ModelPull: Sendable {
    private let configuration: HubConfiguration
    private let cache: ModelCache
    private let patterns: [String]

    /// Makes a pull from a hub into a cache.
    /// - Parameter patterns: The files of a data set that are wanted; none: all of them.
    public init(configuration: HubConfiguration, cache: ModelCache, patterns: [String] = []) {
        self.configuration = configuration
        self.cache = cache
        self.patterns = patterns
    }

    /// Downloads what facet needs of a repository and returns its folder.
    public func callAsFunction(
        _ reference: HubReference,
        progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws(HubError) -> String {
        if configuration.isOffline {
            guard let folder = cache.resolve(reference) else {
                throw .offline(reference.description)
            }
            return folder
        }
        let client = HubClient(configuration, reference.source.hub)
        var listing = try await client.listing(of: reference)
        if reference.source.kind == .dataset {
            listing = try examples(listing, reference)
        }
        let snapshot = cache.snapshot(reference, commit: listing.commit)
        let lock = try lock(reference)
        if !ModelCache.isFolder(snapshot) {
            let job = PullJob(
                client: client,
                reference: reference,
                listing: listing,
                folder: cache.partial(reference, commit: listing.commit),
                meter: PullMeter(progress)
            )
            try await job.run()
            try place(job.folder, at: snapshot)
        }
        do throws(FileSystemError) {
            try cache.record(reference, commit: listing.commit)
        } catch {
            throw .storage("\(error)")
        }
        _ = consume lock
        return snapshot
    }

    /// A data set's files; a choice among them is a snapshot of its own.
    private func examples(
        _ listing: HubListing,
        _ reference: HubReference
    ) throws(HubError) -> HubListing {
        let files = try FileSelection.examples(listing, patterns, of: reference)
        guard !patterns.isEmpty else { return HubListing(commit: listing.commit, files: files) }
        var chosen = SHA256()
        let names = files.map(\.path).sorted().joined(separator: "\n")
        Array((listing.commit + "\n" + names).utf8).withUnsafeBytes { chosen.update($0) }
        return HubListing(commit: String(Hex.text(chosen.finalize()).prefix(40)), files: files)
    }

    private func place(_ partial: String, at snapshot: String) throws(HubError) {
        do throws(FileSystemError) {
            try DurableFile.makeFolder(DurableFile.folder(of: snapshot))
            try DurableFile.rename(partial, to: snapshot)
        } catch {
            throw .storage("\(error)")
        }
    }

    /// One process at a time writes to a repository's folder; the lock goes with the process.
    private func lock(_ reference: HubReference) throws(HubError) -> OpenFile {
        let file: OpenFile
        do throws(FileSystemError) {
            try DurableFile.makeFolder(cache.folder(reference))
            file = try OpenFile(cache.folder(reference) + "/lock", flags: O_RDWR | O_CREAT)
        } catch {
            throw .storage("\(error)")
        }
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .busy(reference) }
        return file
    }
}

/// The downloads of one pull.
private struct PullJob: Sendable {
    let client: HubClient
    let reference: HubReference
    let listing: HubListing
    let folder: String
    let meter: PullMeter

    func run() async throws(HubError) {
        if reference.source.kind == .dataset { return try await download(listing.files) }
        if let adapter = try FileSelection.adapter(listing, of: reference) {
            return try await download(adapter)
        }
        let descriptions = FileSelection.descriptions(listing)
        guard descriptions.contains(where: { $0.path == "config.json" }) else {
            throw .unusable(reference, reason: "it has no config.json, and no adapter_config.json")
        }
        try await download(descriptions)
        let weights = try FileSelection.weights(listing, index: try index(), of: reference)
        try await download(weights)
    }

    private func index() throws(HubError) -> JSONValue? {
        let path = "\(folder)/\(FileSelection.index)"
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do throws(JSONError) {
            return try JSONValue(parsing: Array(data))
        } catch {
            throw .malformedAnswer("\(FileSelection.index): \(error)")
        }
    }

    /// Downloads several files at the same time; the first failure stops the others.
    private func download(_ files: [HubFile]) async throws(HubError) {
        meter.addFiles(files.count, bytes: files.reduce(0) { $0 + ($1.size ?? 0) })
        // The largest first: they decide how long it takes.
        var waiting = files.sorted { ($0.size ?? 0) < ($1.size ?? 0) }
        let failure = await withTaskGroup(of: HubError?.self) { group in
            var failure: HubError?
            for _ in 0..<client.configuration.parallelDownloads {
                if let file = waiting.popLast() { group.addTask { await result(file) } }
            }
            for await result in group {
                if let result {
                    failure = failure ?? result
                    group.cancelAll()
                } else if failure == nil, let file = waiting.popLast() {
                    group.addTask { await self.result(file) }
                }
            }
            return failure
        }
        if let failure { throw failure }
    }

    private func result(_ file: HubFile) async -> HubError? {
        do throws(HubError) {
            try await download(file)
            return nil
        } catch {
            return error
        }
    }

    private func download(_ file: HubFile) async throws(HubError) {
        let path = "\(folder)/\(file.path)"
        // It got its name only after it had been checked.
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        if let size = (attributes?[.size] as? NSNumber)?.intValue {
            meter.add(size, fromNetwork: false)
            meter.finishFile()
            return
        }
        let url = client.url(of: file, in: reference, at: listing.commit)
        let answer = HubAnswer(reference: reference, configuration: client.configuration)
        let meter = meter
        let download = FileDownload(file, path: path, answer: answer) { bytes, source in
            meter.add(bytes, fromNetwork: source == .network)
        }
        do throws(HubError) {
            try await transfer(download, url)
        } catch .corrupt {
            // Once more from the beginning: what was there before may have been to blame.
            download.discard()
            try await transfer(download, url)
        }
        meter.finishFile()
    }

    private func transfer(_ download: FileDownload, _ url: URL) async throws(HubError) {
        let retry = HubRetry(
            configuration: client.configuration,
            limit: client.configuration.retries
        )
        try await retry(progressed: { download.takeProgress() }) { () async throws(HubError) in
            let headers = try download.prepare()
            try await client.transport.get(url, headers: headers, into: download)
            try download.finish(url: url)
        }
    }
}
