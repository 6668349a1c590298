{{ config(materialized='table') }}
-- One row per cell that this build writes again, milestone and day on which somebody reached it: the Kaplan-Meier estimate of the share
-- still waiting, with its error, which knows that requests of one person go together, and log-log bands of 95 %. Death, departure and the
-- end of observation are censoring.
with day as (
    select
        cut_key,
        milestone_code,
        followed_days,
        cast(sum(n_requests) as integer) as n_requests,
        cast(coalesce(sum(n_requests) filter (where status_code = 'happened'), 0) as integer) as n_happened
    from {{ ref('int_pathway__follow_up') }}
    where followed_days is not null
    group by 1, 2, 3
),

cell_day as (
    select
        cut.cell_key,
        day.milestone_code,
        day.followed_days as day_number,
        cast(sum(day.n_requests) as integer) as n_leaving,
        cast(sum(day.n_happened) as integer) as n_happened
    from day
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on day.cut_key = cut.cut_key
    group by 1, 2, 3
),

at_risk as (
    select
        cell_day.*,
        effect.design_effect,
        sum(cell_day.n_leaving) over (
            partition by cell_day.cell_key, cell_day.milestone_code
            order by cell_day.day_number desc
        ) as n_at_risk
    from cell_day
    inner join {{ ref('int_pathway__design_effect') }} as effect
        on
            cell_day.cell_key = effect.cell_key
            and cell_day.milestone_code = effect.measure_code
)

{{ kaplan_meier('at_risk', ['cell_key', 'milestone_code'], 'step.design_effect') }}
