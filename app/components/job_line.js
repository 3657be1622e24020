// One line that tells of a job; pressed, it opens the sidebar at the jobs.
export default function ({ data, parentElement }) {
  const line = parentElement.querySelector(".line");
  for (const name of ["what", "how", "more"]) line.querySelector(`.${name}`).textContent = data[name];
  line.classList.toggle("failed", data.failed);
  line.style.setProperty("--done", `${100 * data.fraction}%`);
  line.onclick = () => inSidebar('[class*="st-key-job-"]', (job) => job.scrollIntoView());
}
