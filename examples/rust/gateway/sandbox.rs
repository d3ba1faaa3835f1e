use serde::Deserialize;

use super::Tokens;

#[derive(Deserialize)]
struct Given {
    token: String,
    #[serde(default)]
    cis2_id_token: String,
}

/// Asks a sandbox, at HOST:PORT, for the tokens of one of its personas. With a real gateway your identity provider gives them.
pub async fn sandbox_tokens(admin: &str, persona: &str) -> anyhow::Result<Tokens> {
    let base = if admin.contains("://") { admin.to_string() } else { format!("http://{admin}") };
    let answer = reqwest::Client::new().post(format!("{base}/sandbox/token?persona={persona}")).send().await?;
    let given: Given = answer.error_for_status()?.json().await?;
    Ok(Tokens { bearer: given.token, cis2: given.cis2_id_token })
}
