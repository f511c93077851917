import InferenceRuntime
import Logging
import Storage

/// How a batch ends: its results become files of its owner.
extension BatchService {
    /// Writes the files and ends the batch; once, however often the process dies meanwhile.
    func finish(_ batch: RequestBatch, _ input: BatchInput) async throws {
        let begun = try await store.update(batch.id) { [now] batch in batch.finalize(now: now()) }
        guard let begun, begun.status.isLive else { return }
        let output = try await file(of: begun, areErrors: false) { _ in }
        let unanswered =
            begun.completed + begun.failed < begun.total
            ? input.lines.indices.filter(
                Set(input.lines.indices).subtracting(
                    try await store.answered(begun)
                ).contains
            ) : []
        let error = try await file(of: begun, areErrors: true) { file in
            for line in unanswered {
                let id = try await readers.run {
                    try input.line(line, endpoint: begun.endpoint).id
                }
                try await file.write(Self.line(BatchResult.unanswered(id, begun)))
            }
        }
        let ended = try await store.end(batch.id, output: output, error: error, now: now())
        guard let ended else { return }
        logger.info(
            "batch ended",
            metadata: [
                "batch": "\(ended.id)", "tenant": "\(ended.tenant.name)",
                "status": "\(ended.status.rawValue)", "completed": "\(ended.completed)",
                "failed": "\(ended.failed)", "total": "\(ended.total)",
            ]
        )
    }

    /// Writes the results of one kind, and what `rest` adds.
    /// - Returns: The file's id; `nil` where there is nothing to write.
    private func file(
        of batch: RequestBatch,
        areErrors: Bool,
        _ rest: (FileUpload) async throws -> Void
    ) async throws -> String? {
        let id = batch.fileID(isError: areErrors)
        // A process that died before the batch's end was written has left the file.
        if try await files.file(id, tenant: batch.tenant) != nil { return id }
        let kind = areErrors ? "error" : "output"
        let new = FileStore.NewFile(
            id: id,
            filename: "\(batch.id)_\(kind).jsonl",
            purpose: "batch_output",
            tenant: batch.tenant,
            lifetime: batch.resultLifetime
        )
        do {
            _ = try await files.make(new, limit: .max) { file in
                var last = -1
                while true {
                    let results = try await store.results(
                        of: batch,
                        areErrors: areErrors,
                        after: last,
                        limit: 64
                    )
                    guard let end = results.last else { break }
                    for result in results { try await file.write(Self.line(result.record.value)) }
                    last = end.line
                }
                try await rest(file)
                if file.bytes == 0 { throw Nothing() }
            }
        } catch is Nothing {
            return nil
        }
        return id
    }

    /// There are no results of a kind.
    private struct Nothing: Error {}

    private static func line(_ record: JSONValue) -> ArraySlice<UInt8> {
        (record.serializedBytes + [0x0A])[...]
    }
}
