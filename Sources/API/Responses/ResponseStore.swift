import InferenceRuntime
import Storage
import Synchronization

/// Responses that can be asked for again and gone on from: bounded by count, bytes and age for each
/// tenant.
///
/// They are in memory, and gone when the server ends; where servers share a database they are there.
final class ResponseStore: Sendable {
    /// What is kept of a response.
    struct Entry: Sendable {
        /// The response's object.
        let object: JSONValue
        /// The items of the request, earlier ones included.
        let input: [JSONValue]
        let created: ContinuousClock.Instant
        let bytes: Int

        var id: String { object["id"]?.string ?? "" }
        /// The whole conversation, to go on from.
        var items: [JSONValue] { input + (object["output"]?.array ?? []) }
    }

    private let entries = Mutex<[TenantID: [Entry]]>([:])
    /// What servers share; `nil`: memory alone has them.
    private let table: ResponseTable?
    /// How long a response may be on its way into the database.
    private static let writingTime = Duration.seconds(5)

    init(table: ResponseTable? = nil) { self.table = table }

    /// Responses of one tenant.
    static let maximumCount = 256
    /// Bytes of one tenant's responses.
    static let maximumBytes = 32 << 20
    static let maximumAge = Duration.seconds(24 * 3_600)
    /// Tenants whose responses are kept.
    static let maximumTenants = 1_024

    /// Keeps a response; the oldest of its tenant go where there are too many.
    func keep(_ object: JSONValue, input: [JSONValue], for tenant: TenantID) {
        let bytes = object.serializedBytes.count + JSONValue.array(input).serializedBytes.count
        guard bytes <= Self.maximumBytes else { return }
        let entry = Entry(object: object, input: input, created: .now, bytes: bytes)
        // The answer does not wait for it, as it would not wait for memory.
        if let table { Task { try? await table.keep(entry, for: tenant) } }
        entries.withLock { all in
            if all[tenant] == nil, all.count >= Self.maximumTenants {
                let oldest = all.min {
                    ($0.value.last?.created ?? .now) < ($1.value.last?.created ?? .now)
                }
                if let oldest { all[oldest.key] = nil }
            }
            var own = Self.fresh(all[tenant] ?? []) + [entry]
            var total = own.reduce(0) { $0 + $1.bytes }
            while own.count > Self.maximumCount || total > Self.maximumBytes {
                total -= own.removeFirst().bytes
            }
            all[tenant] = own
        }
    }

    /// A response of a tenant; on a thread that may wait for a database.
    ///
    /// - Throws: 404 where there is none of that id, 400 where a request goes on from it.
    func entry(_ id: String, of tenant: TenantID, param: String) throws(APIError) -> Entry {
        guard let found = try shared(id, of: tenant) ?? own(id, of: tenant) else {
            guard param == "previous_response_id" else {
                throw .notFound("response", id, param: param, code: nil)
            }
            throw .invalid(
                param,
                "Previous response with id '\(id.prefix(80))' not found.",
                code: "previous_response_not_found"
            )
        }
        return found
    }

    private func shared(_ id: String, of tenant: TenantID) throws(APIError) -> Entry? {
        do {
            return try table?.entry(id, of: tenant)
        } catch {
            throw .outage("\(error)")
        }
    }

    /// One in memory; where servers share a database only what may not be there yet, since another one
    /// may have deleted the rest.
    private func own(_ id: String, of tenant: TenantID) -> Entry? {
        let found = entries.withLock { all in
            Self.fresh(all[tenant] ?? []).last { $0.id.utf8.elementsEqual(id.utf8) }
        }
        guard table != nil, let found else { return found }
        return found.created.duration(to: .now) < Self.writingTime ? found : nil
    }

    /// Forgets a response.
    func remove(_ id: String, of tenant: TenantID) async throws {
        try await table?.remove(id, of: tenant)
        entries.withLock { $0[tenant]?.removeAll { $0.id.utf8.elementsEqual(id.utf8) } }
    }

    private static func fresh(_ entries: [Entry]) -> [Entry] {
        let now = ContinuousClock.now
        return entries.filter { $0.created.duration(to: now) < maximumAge }
    }
}
