-- Question: how does home care end, after how many days, and how intense was it?
-- Caveat: closed takings in charge only, without those that an office handed over; accesses are known from a sender's first delivery, so intensity (days with an access) and accesses a week stand on the days in charge from then on.
select
    reason.end_reason_group_label,
    sum(episode.n_home_care_episodes) as n_episodes,
    round(100.0 * sum(episode.n_home_care_episodes) / sum(sum(episode.n_home_care_episodes)) over (), 1) as percent_of_ends,
    round(avg(episode.care_days), 0) as mean_care_days,
    round(7.0 * sum(episode.n_accesses) / nullif(sum(episode.observed_care_days), 0), 1) as accesses_a_week,
    round(1.0 * sum(episode.access_days) / nullif(sum(episode.observed_care_days), 0), 2) as intensity
from core.fct_home_care_episode as episode
inner join core.dim_end_reason as reason
    on episode.end_reason_key = reason.end_reason_key
where
    not episode.is_open
    and not episode.has_administrative_end
group by reason.end_reason_group_label
order by n_episodes desc, reason.end_reason_group_label;
