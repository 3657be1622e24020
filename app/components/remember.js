// The visit that was worked in last. No one but this studio is told of it.
const DAYS = 365;

export default function ({ data }) {
  document.cookie = `${data.name}=${data.visit}; max-age=${DAYS * 86400}; path=/; samesite=strict`;
}
