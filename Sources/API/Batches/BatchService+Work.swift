import Glibc
import InferenceRuntime
import Logging
import Storage

/// What is done for one batch: its file is checked, its lines are answered, its results are written.
extension BatchService {
    /// Reads a file before any of its lines is answered.
    func validate(_ batch: RequestBatch) async {
        do {
            let path = try await files.content(of: batch.inputFile)
            let (count, errors) = try await readers.run { () throws(FileSystemError) in
                try BatchInput.check(path, endpoint: batch.endpoint)
            }
            try await store.update(batch.id) { [now] batch in
                guard batch.status == .validating else { return }
                if errors.isEmpty {
                    batch.begin(total: count, now: now())
                } else {
                    batch.fail(errors, now: now())
                }
            }
        } catch {
            await retry(batch, "a batch cannot be read", error)
        }
    }

    /// Answers the lines that have no result yet, then writes the results.
    func work(_ batch: RequestBatch) async {
        do {
            let path = try await files.content(of: batch.inputFile)
            let input = try await readers.run { () throws(FileSystemError) in
                try BatchInput(path: path)
            }
            if batch.status == .inProgress { try await answer(batch, input) }
            guard !isStopping else { return }
            try await finish(batch, input)
        } catch {
            await retry(batch, "a batch cannot go on", error)
        }
    }

    /// Waits, since a disk that is full now may not be later; a file that is gone fails its batch.
    private func retry(_ batch: RequestBatch, _ message: String, _ error: any Error) async {
        log("\(message)", error, batch)
        if (error as? FileSystemError)?.code == ENOENT {
            _ = try? await store.update(batch.id) { [now] batch in
                batch.fail([.fileGone(batch.inputFile)], now: now())
            }
        }
        if !isStopping { try? await Task.sleep(for: Self.patience) }
    }

    private func answer(_ batch: RequestBatch, _ input: BatchInput) async throws {
        let answered = try await store.answered(batch)
        for line in input.lines.indices where !answered.contains(line) {
            guard await places.take() else { break }
            guard mayGoOn(batch) else {
                await places.giveBack()
                break
            }
            running[batch.id]?.lines[line] = Task {
                await answer(line, of: batch, input)
                running[batch.id]?.lines[line] = nil
                await places.giveBack()
            }
        }
        while let line = running[batch.id]?.lines.values.first { await line.value }
        if let failure = running[batch.id]?.failure { throw failure }
    }

    /// Whether another line may be begun.
    private func mayGoOn(_ batch: RequestBatch) -> Bool {
        guard let run = running[batch.id], !isStopping else { return false }
        return !run.isCancelled && run.failure == nil && now() < batch.expires
    }

    /// Answers a line and keeps the result; nothing is kept of one that was left.
    private func answer(_ line: Int, of batch: RequestBatch, _ input: BatchInput) async {
        guard let number = batch.number else { return }
        do {
            let read = try await readers.run { try input.line(line, endpoint: batch.endpoint) }
            let id = RandomID.make(prefix: "req_")
            guard let answer = try await answer(read.body, of: batch, id: id) else { return }
            try await store.keep(
                BatchResult(number, line, customID: read.id, requestID: id, answer),
                of: batch.id
            )
        } catch is CancellationError {
            return
        } catch {
            // Without a result the line is answered again when the batch is taken up again.
            running[batch.id]?.failure = error
        }
    }

    /// What the path of a batch answers; `nil` where the server stops before it does.
    private func answer(
        _ body: JSONObject,
        of batch: RequestBatch,
        id: String
    ) async throws -> BatchResult.Answer? {
        var wait = Duration.milliseconds(250)
        while true {
            let answer = try await ask(body, of: batch, id: id)
            // Too many requests, or no memory for an adapter: others go first.
            guard answer.status == .tooManyRequests || answer.status == .serviceUnavailable else {
                return answer
            }
            guard mayGoOn(batch) else { return nil }
            try await Task.sleep(for: wait)
            wait = min(wait * 2, .seconds(5))
        }
    }

    private nonisolated func ask(
        _ body: JSONObject,
        of batch: RequestBatch,
        id: String
    ) async throws -> BatchResult.Answer {
        do {
            if body["stream"]?.bool == true {
                throw APIError.unsupported("stream", "the answers of a batch come in a file")
            }
            guard let handler = handlers[batch.endpoint] else {
                throw APIError.unknownPath(.post, batch.endpoint)
            }
            let request = HTTPRequest(
                method: .post,
                target: batch.endpoint,
                headers: ["Content-Type": "application/json"],
                body: HTTPBody(JSONValue.object(body).serializedBytes),
                id: id
            )
            let response = try await handler(request, batch.caller)
            guard case .bytes(let bytes) = response.body else { throw APIError.internalError }
            let document = try await ProcessorWork.run(bytes: bytes.count) {
                try JSONValue(parsing: bytes)
            }
            return BatchResult.Answer(status: response.status, body: document)
        } catch let error as APIError {
            return BatchResult.Answer(status: error.status, body: error.json)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            await log("a line of a batch failed", error, batch)
            let error = APIError.internalError
            return BatchResult.Answer(status: error.status, body: error.json)
        }
    }
}
