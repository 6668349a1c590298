-- depends_on: {{ ref('int_pathway__touched_person') }}
-- depends_on: {{ ref('int_pathway__place_before') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_pathway__touched_person', 'columns': ['person_key'], 'day': 'last_contact_on'}},
    indexes=[
        {'columns': ['demand_key'], 'unique': true},
        {'columns': ['person_key']},
        {'columns': ['contact_on']},
        {'columns': ['district_code']}
    ]
) }}
-- One row per request of an identified person (demands of one type within few days of each other are one), named by its first demand:
-- what it reached, after how many days, and when nothing was reached, why. It is written again as the story goes on.
{% set window = var('pathway_windows')[-1] %}
{# Prefix of a milestone's columns, its code, and the families whose deliveries say how far it is observed. #}
{% set milestones = [
    ('assessment', 'assessment', ['far', 'adi']),
    ('charge', 'charge', ['adi', 'sisam']),
    ('service', 'service', ['far', 'adi', 'smac', 'sisam']),
    ('far', 'FAR', ['far']),
    ('adi', 'ADI', ['adi']),
    ('smac', 'SMAC', ['smac']),
    ('sisam', 'SISAM', ['sisam'])
] %}
with reached as (
    select
        demand_key,
    {% for prefix, code, _ in milestones %}
        max(reached_on) filter (where milestone_code = '{{ code }}') as {{ prefix }}_on,
        max(days_between) filter (where milestone_code = '{{ code }}') as {{ prefix }}_days,
        max(link_source_code) filter (where milestone_code = '{{ code }}') as {{ prefix }}_link_source_code{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('int_pathway__milestone') }}
    group by demand_key
),

observed as (
    select
        district_code,
    {% for family in ['far', 'adi', 'smac', 'sisam'] %}
        max(observed_to) filter (where service_family_code = '{{ family | upper }}') as {{ family }}_to{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('int_pathway__observed') }}
    group by district_code
),

around as (
    select
        request.demand_key,
        min(event.event_on) filter (where event.event_type_code = 'death') as death_on,
        min(event.event_on) filter (where event.event_type_code = 'departure') as departed_on,
        max(event.event_on) filter (where event.event_type_code = 'service_end') as previous_end_on
    from {{ ref('int_pathway__request') }} as request
    inner join {{ ref('fct_person_event') }} as event
        on request.person_key = event.person_key
    where
        (event.event_type_code in ('death', 'departure') and event.event_on >= request.contact_on)
        or (event.event_type_code = 'service_end' and event.event_on < request.contact_on)
    group by request.demand_key
),

request as (
    select
        request.*,
        around.death_on,
        around.departed_on,
        request.contact_on - around.previous_end_on as previous_end_days,
        steps.step_codes,
        steps.step_days,
        {% for prefix, _, families in milestones %}
            reached.{{ prefix }}_on,
            reached.{{ prefix }}_days,
            reached.{{ prefix }}_link_source_code,
            least(
                {% for family in families %}
                    observed.{{ family }}_to{{ ',' if not loop.last }}
                {% endfor %}
            ) as {{ prefix }}_observed_to,
        {% endfor %}
        request.contact_on + {{ window }} as window_on,
        -- A flow that was never delivered for the district answers nobody there.
        {% for family in ['far', 'adi', 'smac', 'sisam'] %}
            ('{{ family | upper }}' = any(request.service_family_codes) and observed.{{ family }}_to is not null)
            {{ 'or' if not loop.last }}
        {% endfor %}
            as is_followable
    from {{ ref('int_pathway__request') }} as request
    inner join {{ ref('fct_demand') }} as demand
        on request.demand_key = demand.demand_key
    left join reached
        on request.demand_key = reached.demand_key
    left join around
        on request.demand_key = around.demand_key
    left join {{ ref('int_pathway__step') }} as steps
        on request.demand_key = steps.demand_key
    left join observed
        on demand.district_code = observed.district_code
),

judged as (
    select
        request.*,
    {% for prefix, _, _ in milestones %}
        case
            when request.{{ prefix }}_on is not null then 'happened'
            when request.{{ prefix }}_observed_to is null then 'not_observed'
            when request.death_on <= least(request.window_on, request.{{ prefix }}_observed_to, request.departed_on) then 'died'
            when request.departed_on <= least(request.window_on, request.{{ prefix }}_observed_to) then 'moved'
            when request.{{ prefix }}_observed_to < request.window_on then 'observation_end'
            else 'nothing'
        end as {{ prefix }}_status_code,
        case
            when request.{{ prefix }}_observed_to is not null or request.{{ prefix }}_on is not null then coalesce(
                request.{{ prefix }}_days,
                greatest(
                    0,
                    least(request.window_on, request.{{ prefix }}_observed_to, request.death_on, request.departed_on)
                    - request.contact_on
                )
                )
        end as {{ prefix }}_followed_days{{ ',' if not loop.last }}
    {% endfor %}
    from request
),

-- The strongest thing that followed; where nothing did, why not.
answered as (
    select
        judged.*,
        coalesce(judged.service_observed_to >= judged.window_on, false) as is_window_closed,
        case
            when judged.service_status_code = 'happened' then 'service'
            when judged.charge_status_code = 'happened' then 'charge'
            when judged.assessment_status_code = 'happened' then 'assessment'
            when judged.is_processed_by_desk then 'desk_process'
            when judged.is_answered_at_desk then 'desk'
            when not judged.is_followable then 'not_followable'
            when judged.service_status_code in ('died', 'moved') then judged.service_status_code
            when judged.service_status_code = 'nothing' then 'none'
            else 'open'
        end as answer_code
    from judged
),

-- Whether the flows of services can say what came of it. An answer that came early counts no sooner than its absence.
known as (
    select
        answered.*,
        case
            when not answered.is_followable then 'not_followable'
            when
                answered.answer_code not in ('service', 'charge', 'assessment')
                and answered.service_status_code in ('died', 'moved')
                then answered.service_status_code
            when answered.is_window_closed then 'known'
            else 'open'
        end as sequel_status_code
    from answered
)

select
    known.demand_key,
    known.contact_on,
    demand.contact_date_key,
    known.last_contact_on,
    demand.sender_code,
    demand.district_code,
    demand.ausl_code,
    demand.territory_key,
    demand.desk_key,
    known.person_key,
    demand.person_version_key,
    demand.demand_type_key,
    demand.target_group_key,
    demand.report_target_key,
    demand.reporter_type_key,
    demand.outcome_type_key,
    demand.citizenship_key,
    demand.age_band_key,
    demand.delivery_key,
    demand.sex_code,
    known.is_answered_at_desk,
    known.is_processed_by_desk,
    known.is_referred,
    known.previous_gap_days,
    coalesce(known.previous_gap_days <= {{ window }}, false) as is_repeated,
    known.previous_end_days,
    coalesce(known.previous_end_days <= {{ var('return_days') }}, false) as is_return_after_end,
    {% for prefix, _, _ in milestones %}
        known.{{ prefix }}_on,
        known.{{ prefix }}_days,
        known.{{ prefix }}_link_source_code,
        known.{{ prefix }}_status_code,
        known.{{ prefix }}_followed_days,
    {% endfor %}
    known.answer_code,
    known.is_followable,
    known.is_window_closed,
    known.sequel_status_code,
    known.sequel_status_code = 'known' as is_sequel_known,
    known.sequel_status_code = 'known' and known.answer_code in ('desk_process', 'none') as is_without_sequel,
    'DOM>' || coalesce(known.step_codes, case when known.service_status_code = 'nothing' then 'NULLA' else 'APERTO' end) as path_codes,
    '0' || coalesce('>' || known.step_days, '') as path_days,
    1 as n_requests,
    known.n_demands
from known
inner join {{ ref('fct_demand') }} as demand
    on known.demand_key = demand.demand_key
-- Kept in the order of days: who counts a year again, or asks for one, reads that year's pages only.
order by known.contact_on
