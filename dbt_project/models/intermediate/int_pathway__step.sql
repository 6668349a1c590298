-- One row per request: the steps that followed it in the last window, in order, and the days between the request and each.
with step as (
    select
        request.demand_key,
        step.step_code,
        event.event_on - request.contact_on as step_days,
        event.event_number,
        lag(step.step_code) over (partition by request.demand_key order by event.event_number) as step_code_before
    from {{ ref('int_pathway__request') }} as request
    inner join {{ ref('fct_person_event') }} as event
        on
            request.person_key = event.person_key
            and event.event_on between request.contact_on and request.contact_on + {{ var('pathway_windows')[-1] }}
    inner join {{ ref('path_step') }} as step
        on
            event.event_type_code = step.event_type_code
            and event.event_type_code <> 'demand'
            and coalesce(step.service_family_code, event.service_family_code, '') = coalesce(event.service_family_code, '')
),

numbered as (
    select
        step.*,
        row_number() over (partition by step.demand_key order by step.event_number) as step_number
    from step
    where step.step_code is distinct from step.step_code_before
)

select
    demand_key,
    string_agg(step_code, '>' order by step_number) as step_codes,
    string_agg(cast(step_days as text), '>' order by step_number) as step_days
from numbered
where step_number <= {{ var('path_steps') }}
group by demand_key
