/** Writes a CycloneDX bill of materials: the native files with what is linked into them, and the bundled npm packages. */
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import manifest from "../../package.json" with { type: "json" };
import { NATIVE_FILES, type NativePart } from "../../src/native/parts.ts";
import type { NpmPackage } from "../notice/npm-packages.ts";

/** As JSON, with no time and no random number in it: the same source gives the same text. */
export function renderSbom(packages: readonly NpmPackage[]): string {
  const program = component(Enums.ComponentType.Application, {
    name: manifest.name,
    version: manifest.version,
    license: "GPL-3.0-or-later",
    url: "",
  });
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: program }) });
  for (const file of NATIVE_FILES) {
    const parent = component(Enums.ComponentType.Library, file);
    for (const one of file.links)
      parent.components.add(component(Enums.ComponentType.Library, one, `${file.name}/`));
    bom.components.add(parent);
  }
  for (const one of packages) {
    const made = component(Enums.ComponentType.Library, one, "npm/");
    made.purl = `pkg:npm/${one.name.replace("@", "%40")}@${one.version}`;
    bom.components.add(made);
  }
  const serializer = new Serialize.JsonSerializer(
    new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6),
  );
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function component(
  type: Enums.ComponentType,
  { name, version, license, url }: NativePart,
  scope = "",
): Models.Component {
  const made = new Models.Component(type, name, {
    bomRef: `${scope}${name}`,
    ...(version === undefined ? {} : { version }),
  });
  made.licenses.add(
    / (AND|OR) /.test(license)
      ? new Models.LicenseExpression(license)
      : new Models.SpdxLicense(license),
  );
  if (url !== "")
    made.externalReferences.add(
      new Models.ExternalReference(url, Enums.ExternalReferenceType.Website),
    );
  return made;
}
