-- Question: how does home care end, after how many days, and how intense was it?
-- Caveat: closed takings in charge only; intensity is the share of days in charge with an access.
select
    reason.end_reason_group_label,
    sum(episode.n_home_care_episodes) as n_episodes,
    round(100.0 * sum(episode.n_home_care_episodes) / sum(sum(episode.n_home_care_episodes)) over (), 1) as percent_of_ends,
    round(avg(episode.care_days), 0) as mean_care_days,
    round(avg(episode.n_accesses), 1) as mean_accesses,
    round(1.0 * sum(episode.access_days) / nullif(sum(episode.care_days), 0), 2) as intensity
from core.fct_home_care_episode as episode
inner join core.dim_end_reason as reason
    on episode.end_reason_key = reason.end_reason_key
where not episode.is_open
group by reason.end_reason_group_label
order by n_episodes desc, reason.end_reason_group_label;
