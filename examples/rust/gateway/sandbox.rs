use crate::Tokens;

/// Asks a sandbox for the tokens of one of its personas. With a real gateway your identity provider gives them.
pub async fn sandbox_tokens(admin: &str, persona: &str) -> anyhow::Result<Tokens> {
    let address = format!("{admin}/sandbox/token?persona={persona}");
    let answer = reqwest::Client::new().post(address).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}
