import Dispatch
import Foundation
import Testing

@testable import InferenceRuntime

/// What a template or a client can try costs an error, never the process.
@Suite("Hostile chat templates")
struct HostileTemplateTests {
    private func error(_ source: String, _ variables: JSONObject = [:]) -> TemplateError? {
        // Small bounds: the tests run unoptimised.
        var limits = TemplateLimits()
        limits.steps = 200_000
        limits.textBytes = 1 << 20
        limits.allocatedBytes = 16 << 20
        do throws(TemplateError) {
            _ = try ChatTemplate(source: source, limits: limits).render(variables)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "nesting without end is refused while parsing",
        arguments: [
            "{{ " + String(repeating: "(", count: 5_000) + "1"
                + String(repeating: ")", count: 5_000) + " }}",
            "{{ " + String(repeating: "[", count: 5_000),
            "{{ " + String(repeating: "{'a':", count: 5_000),
            "{{ " + String(repeating: "-", count: 5_000) + "1 }}",
            "{{ 1" + String(repeating: "+1", count: 5_000) + " }}",
            "{{ a" + String(repeating: "[0]", count: 5_000) + " }}",
            "{{ a" + String(repeating: "|trim", count: 5_000) + " }}",
            "{{ 1" + String(repeating: " if 1", count: 5_000) + " }}",
            "{{ 1" + String(repeating: " if 1 else 1", count: 5_000) + " }}",
            String(repeating: "{% if 1 %}", count: 5_000),
            String(repeating: "{% for a in b %}", count: 5_000),
            "{% set " + String(repeating: "(", count: 5_000),
        ]
    )
    func refusesNesting(source: String) {
        #expect([.limit, .syntax].contains(error(source)?.kind))
    }

    @Test("a chain of not, and, or costs no depth")
    func allowsLongChains() throws {
        let source =
            "{{ " + String(repeating: "not ", count: 10_001) + "x"
            + String(repeating: " and true or false", count: 5_000) + " ~ ''"
            + String(repeating: " ~ ''", count: 5_000) + " }}"
        #expect(try ChatTemplate(source: source).render([:]) == "True")
    }

    @Test(
        "work and memory without end are refused while rendering",
        arguments: [
            "{% for a in range(1000000000) %}{% endfor %}",
            "{{ range(9223372036854775807) }}{{ range(-9223372036854775807, 9223372036854775807) }}",
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "{{ 'a' * 1000000000000 }}",
            "{{ [1] * 1000000000000 }}",
            "{% set ns = namespace(s='aaaaaaaa') %}"
                + "{% for i in range(1000) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}"
                + "{% for i in range(1000) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}"
                + "{% for i in range(150) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
            "{% set ns = namespace(l=[1]) %}"
                + "{% for i in range(150) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
                + "{{ ns.l|tojson }}",
            "{% set ns = namespace(l=(1,)) %}"
                + "{% for i in range(150) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} }}",
            "{% set ns = namespace(l=[]) %}"
                + "{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}",
            "{% set ns = namespace(l='') %}"
                + "{% for i in range(90000) %}{% set ns.l = {'a': ns.l}.get %}{% endfor %}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{% macro m() %}{{ caller() }}{% endmacro %}"
                + "{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
            "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
            "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
            "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa'|replace('', 'b' * 9000000) }}",
            "{{ ('\t' * 1000000).expandtabs(1000000) }}",
            "{{ 'a'.center(10000000000) }}{{ '%999999999d' % 1 }}",
            "{{ '{:999999999}'.format(1) }}",
            "{{ [1]|batch(10000000000, 1)|list }}",
            "{{ 'a'|indent(10000000000) }}",
            "{{ [[1,2]]|tojson(indent=10000000000) }}",
        ]
    )
    func refusesWork(source: String) {
        #expect(error(source) != nil)
    }

    @Test(
        "numbers out of range are errors, not traps",
        arguments: [
            "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}",
            "{{ 9223372036854775807 * 2 }}", "{{ 2 ** 64 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}",
            "{{ 1 / 0 }}", "{{ 1.0 // 0 }}", "{{ (-9223372036854775807 - 1) // -1 }}",
            "{{ -(-9223372036854775807 - 1) }}", "{{ (-9223372036854775807 - 1)|abs }}",
            "{{ (-1) ** 0.5 }}", "{{ 99999999999999999999 + 1 }}", "{{ 'a'[::0] }}",
            "{{ range(1, 2, 0) }}", "{{ range(1.5) }}", "{{ [].x.y }}", "{{ none[0][0] }}",
        ]
    )
    func refusesNumbers(source: String) {
        #expect(error(source)?.kind == .runtime)
    }

    @Test(
        "extreme indices and bounds are clamped as Python does",
        arguments: [
            ("{{ [1,2,3][-9223372036854775807 - 1:9223372036854775807] }}", "[1, 2, 3]"),
            (
                "{{ 'abc'[9223372036854775807:-9223372036854775807 - 1:-9223372036854775807 - 1] }}",
                "c"
            ),
            ("{{ ''[::-1] }}", ""), ("{{ ''[5:1:-1] }}", ""), ("{{ 'abc'[-9::-1] }}", ""),
            ("{{ 'äbc'[-9::-1] }}", ""), ("{{ 'äbc'[9:1:-1] }}", "c"), ("{{ [][::-1] }}", "[]"),
            ("{{ [1,2,3][9223372036854775807] is defined }}", "False"),
            ("{{ [1,2,3][-9223372036854775807 - 1] is defined }}", "False"),
            ("{{ 'abc'.find('c', -9223372036854775807 - 1) }}", "2"),
            ("{{ 'a,b'.split(',', 9223372036854775807) }}", "['a', 'b']"),
            ("{{ range(9223372036854775800, 9223372036854775807)|list|length }}", "7"),
            ("{{ 1e308 * 10 }}", "inf"), ("{{ (1e308 * 10)|int }}", "0"),
        ]
    )
    func clampsBounds(source: String, expected: String) throws {
        #expect(try ChatTemplate(source: source).render([:]) == expected)
    }

    @Test("a deep template renders on a thread with a small stack")
    func worksOnSmallStack() {
        final class Outcome: @unchecked Sendable {
            // Written by the thread, read after it has signalled.
            var error: TemplateError?
            let done = DispatchSemaphore(value: 0)
        }
        let outcome = Outcome()
        let thread = Thread {
            let nested =
                String(repeating: "(", count: 90) + "m(n + 1)" + String(repeating: ")", count: 90)
            let source = "{% macro m(n) %}{% if 1 %}{{ [\(nested)] }}{% endif %}{% endmacro %}"
            do throws(TemplateError) {
                _ = try ChatTemplate(source: source + "{{ m(0) }}").render([:])
            } catch {
                outcome.error = error
            }
            outcome.done.signal()
        }
        thread.stackSize = 128 * 1024
        thread.start()
        outcome.done.wait()
        #expect(outcome.error?.kind == .limit)
    }

    @Test("a macro that refers to itself and a namespace in a circle leave nothing behind")
    func breaksCircles() throws {
        let source =
            "{% set ns = namespace() %}{% set ns.me = ns %}"
            + "{% macro m() %}{% endmacro %}{% set ns.m = m %}ok"
        #expect(try ChatTemplate(source: source).render([:]) == "ok")
    }

    @Test("messages of a deep schema cost an error where a template walks them for ever")
    func survivesDeepMessages() throws {
        var schema: JSONValue = "leaf"
        for _ in 0..<99 { schema = ["a": schema] }
        let source =
            "{% macro walk(v) %}{% if v is mapping %}{% for k, x in v|items %}{{ walk(x) }}"
            + "{% endfor %}{% else %}{{ v }}{% endif %}{% endmacro %}{{ walk(schema) }}"
        #expect(try ChatTemplate(source: source).render(["schema": schema]) == "leaf")
    }

    @Test("the sandbox refuses what changes its objects or leaves them")
    func refusesMutation() {
        #expect(error("{{ [].append(1) }}")?.message.contains("unsafe") == true)
        #expect(error("{{ {}.update({}) }}")?.message.contains("unsafe") == true)
        #expect(error("{{ ''.__class__.__mro__ }}")?.message.contains("unsafe") == true)
        #expect(error("{% set x = {} %}{% set x.a = 1 %}")?.kind == .runtime)
        #expect(error("{% include 'x' %}")?.kind == .syntax)
        #expect(error("{% import 'x' as y %}")?.kind == .syntax)
        #expect(error("{% extends 'x' %}")?.kind == .syntax)
        #expect(error("{{ x|nope }}")?.message == "No filter named 'nope' found.")
    }

    @Test("errors name the template line")
    func namesLine() {
        #expect(error("a\n\n{{ none.x.y }}")?.line == 3)
        #expect(error("a\n{% if 1 %}\n{{ raise_exception('no') }}{% endif %}")?.line == 3)
        #expect(error("a\n\n\n{% endif %}")?.line == 4)
        let raised = error("{{ raise_exception('a \"b\"\\n') }}")
        #expect(raised == TemplateError(kind: .raised, message: "a \"b\"\n", line: 1))
    }
}
