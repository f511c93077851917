import Glibc
import InferenceRuntime

/// What an adapter's folder says of itself, read before anything is decided.
struct AdapterFacts: Sendable {
    /// Checked to be a LoRA that can be computed here.
    let configuration: LoRAConfiguration
    /// What facet wrote beside a trained or exported adapter.
    let lineage: AdapterLineage
    /// The hash of the base it was trained on, where facet trained it.
    let baseHash: String?
    /// Size of the weights, in bytes.
    let fileBytes: Int

    /// - Parameter source: What is named in errors.
    init(folder: String, source: String) throws(AdapterStoreError) {
        let config = try Self.json(AdapterFileNames.config, in: folder, source: source)
        do throws(AdapterError) {
            configuration = try LoRAConfiguration(json: config)
        } catch {
            throw .invalidSource(path: source, reason: error.description)
        }
        let own =
            access(folder + "/" + AdapterFileNames.lineage, F_OK) == 0
            ? try Self.json(AdapterFileNames.lineage, in: folder, source: source) : .object([:])
        lineage = AdapterLineage(json: own)
        baseHash = own["base_hash"]?.string
        fileBytes = try Self.size(of: folder + "/" + AdapterFileNames.weights, source: source)
    }

    private static func json(
        _ name: String,
        in folder: String,
        source: String
    ) throws(AdapterStoreError) -> JSONValue {
        let bytes: [UInt8]
        do throws(FileSystemError) {
            bytes = try OpenFile(folder + "/" + name, flags: O_RDONLY)
                .readAll(limit: AdapterFileNames.maximumConfigBytes)
        } catch {
            throw .invalidSource(path: source, reason: "it has no readable \(name)")
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .invalidSource(path: source, reason: "its \(name) is no JSON: \(error)")
        }
        guard value.object != nil else {
            throw .invalidSource(path: source, reason: "its \(name) is no object")
        }
        return value
    }

    private static func size(of path: String, source: String) throws(AdapterStoreError) -> Int {
        do throws(FileSystemError) {
            return try OpenFile(path, flags: O_RDONLY).byteCount()
        } catch {
            throw .invalidSource(path: source, reason: "it has no \(AdapterFileNames.weights)")
        }
    }
}
