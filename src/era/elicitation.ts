/**
 * Forms on their way to a client of 2025-06-18, whose schemas know single choices by name lists only and no multiple
 * choice (2025-06-18, client/elicitation). What has no word there is not asked in a wrong one.
 */
import { defaultLimits } from "../base/index.ts";
import { editObject, elementsOf, memberOf, objectOf, parseObject, type Raw, type RawObject, stringOf } from "../protocol/index.ts";

/** The `requestedSchema` in the words of that revision; null when they do not suffice. */
export function olderSchema(schema: RawObject): Raw | null {
  const properties = objectOf(schema, "properties");
  if (properties === null) return editObject(schema, {});
  const changes: Record<string, Raw> = {};
  for (const { key } of properties.members) {
    const property = objectOf(properties, key);
    const converted = property === null ? null : olderProperty(property);
    if (converted === null) return null;
    changes[key] = converted;
  }
  return editObject(schema, { properties: editObject(properties, changes) });
}

function olderProperty(property: RawObject): Raw | null {
  if (stringOf(property, "type") === "array") return null;
  const choices = memberOf(property, "oneOf");
  if (choices === null) return editObject(property, {});
  const read = choicesOf(choices);
  return read === null ? null : editObject(property, { oneOf: null, enum: `[${read.values.join(",")}]`, enumNames: `[${read.names.join(",")}]` });
}

/** The values and their names; null when some choice has no value. */
function choicesOf(raw: Raw): { readonly values: readonly Raw[]; readonly names: readonly Raw[] } | null {
  const values: Raw[] = [];
  const names: Raw[] = [];
  for (const element of elementsOf(raw, defaultLimits) ?? [""]) {
    const choice = parseObject(element, defaultLimits);
    const value = choice === null ? null : memberOf(choice, "const");
    if (choice === null || value === null) return null;
    values.push(value);
    names.push(memberOf(choice, "title") ?? value);
  }
  return { values, names };
}
