import Glibc

/// Runs work that recurses on a thread with a stack of known size.
///
/// The parser and the interpreter recurse as deep as the template nests. Where they are called from
/// (a cooperative thread, a client's own) the stack may be small; here it always suffices for
/// `TemplateLimits`, so depth is bounded by counting and the result does not depend on the caller.
enum StackRoom {
    /// Room for 200 open macro calls, each through a few dozen frames of a debug build.
    ///
    /// Only touched pages cost memory.
    static let bytes = 64 << 20

    /// The work and its result, handed to the thread and back; only one of the two threads runs at
    /// any time, since the caller waits in `pthread_join`.
    private final class Box<Success> {
        let body: () throws(TemplateError) -> Success
        var result: Result<Success, TemplateError>?

        init(_ body: @escaping () throws(TemplateError) -> Success) { self.body = body }

        func run() {
            do throws(TemplateError) {
                result = .success(try body())
            } catch {
                result = .failure(error)
            }
        }
    }

    /// What the thread's entry point, which knows no generic types, calls.
    private final class Entry {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    /// Calls `body` on a roomy stack and waits for it.
    static func run<Success>(
        _ body: @escaping () throws(TemplateError) -> Success
    ) throws(TemplateError) -> Success {
        let box = Box(body)
        guard start(Entry { box.run() }) else {
            throw TemplateError(kind: .limit, message: "no thread to render on", line: nil)
        }
        guard let result = box.result else {
            throw TemplateError(kind: .limit, message: "rendering did not finish", line: nil)
        }
        return try result.get()
    }

    /// Runs an entry point on a thread of its own and waits for it; `false` where there is none.
    private static func start(_ entry: Entry) -> Bool {
        let entry = Unmanaged.passRetained(entry)
        return withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { attributes in
            withUnsafeTemporaryAllocation(of: pthread_t.self, capacity: 1) { thread in
                guard let attributes = attributes.baseAddress, let thread = thread.baseAddress,
                    pthread_attr_init(attributes) == 0
                else {
                    entry.release()
                    return false
                }
                pthread_attr_setstacksize(attributes, bytes)
                let status = pthread_create(thread, attributes, body, entry.toOpaque())
                pthread_attr_destroy(attributes)
                guard status == 0 else {
                    entry.release()
                    return false
                }
                pthread_join(thread.pointee, nil)
                return true
            }
        }
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
        { argument in
            if let argument { Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue().run() }
            return nil
        }
}
