/** Makes certificates as orchestrators do that sign their own. */

/** A new key and a certificate for 127.0.0.1 that it signed itself, both as PEM. Null without openssl. */
export function ownCertificate(): { readonly key: string; readonly cert: string } | null {
  const openssl = Bun.which("openssl");
  if (openssl === null) return null;
  const asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const subject = ["-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"];
  const output = ["-keyout", "-", "-out", "-"];
  const made = Bun.spawnSync([openssl, ...asked.split(" "), ...subject, ...output], {
    stderr: "ignore",
  });
  const pem = made.stdout.toString();
  return { key: pem, cert: pem };
}
