# escenv's hook for PowerShell 7. It starts no process while nothing changes.
# It has not been run in a PowerShell yet: tell us how it does.

if (-not (Test-Path Variable:Global:__escenv)) {
    $Global:__escenv = @{
        Program = @ESCENV@; Seen = @{}; Saved = @{}; Nearer = @()
        Looked = ''; Due = $null; Since = $null; Warned = $false; Prompt = $null
    }
}
$Env:ESCENV_HOOK = "pwsh:$PID" # so that "escenv status" knows

# Whether a file is as escenv has read it. .NET counts time in steps of 100 ns
# since the year 1.
function Global:__escenv_is([string]$Path, [string]$Stamp) {
    $file = [System.IO.FileInfo]::new($Path)
    $target = try { $file.ResolveLinkTarget($true) } catch { $null }
    if ($null -ne $target) { $file = $target }
    $file.Exists -and ($file.LastWriteTimeUtc.Ticks - [datetime]::UnixEpoch.Ticks) -eq [math]::Floor([decimal]([System.IO.Path]::GetFileName($Stamp)) / 100)
}

# Whether what is watched is as it was, and it is not time to come back. A clock
# that went back is as good a reason as one that went on.
function Global:__escenv_fresh {
    $seen = $Global:__escenv['Seen']
    if (-not $seen['__escenv_file']) { return $true }
    if (-not $seen['__escenv_stamp']) { return $false }
    if (-not (__escenv_is $seen['__escenv_file'] $seen['__escenv_stamp'])) { return $false }
    if (-not (__escenv_is $seen['__escenv_generation'] $seen['__escenv_generation_stamp'])) { return $false }
    if ($null -eq $Global:__escenv['Due']) { return $true }
    $now = [datetime]::UtcNow
    $now -lt $Global:__escenv['Due'] -and $now -ge $Global:__escenv['Since']
}

# Looks upward for the nearest .escenv, and remembers where a nearer one would be.
function Global:__escenv_look([string]$At) {
    $nearer = @()
    $found = ''
    for ($dir = [System.IO.DirectoryInfo]::new($At); $null -ne $dir; $dir = $dir.Parent) {
        $candidate = [System.IO.Path]::Combine($dir.FullName, '.escenv')
        if ([System.IO.File]::Exists($candidate)) { $found = $candidate; break }
        $nearer += $candidate
    }
    $Global:__escenv['Nearer'] = $nearer
    $found
}

# Does what one line of escenv's says. ConvertFrom-Json would make a time of what
# looks like one.
function Global:__escenv_apply([string]$Line) {
    $change = [System.Text.Json.JsonDocument]::Parse($Line).RootElement
    $name = $change.GetProperty('name').GetString()
    $saved = $Global:__escenv['Saved']
    switch ($change.GetProperty('op').GetString()) {
        'set' { $Global:__escenv['Seen'][$name] = $change.GetProperty('value').GetString() }
        'export' { [Environment]::SetEnvironmentVariable($name, $change.GetProperty('value').GetString()) }
        'unset' { [Environment]::SetEnvironmentVariable($name, $null) }
        'save' {
            $value = [Environment]::GetEnvironmentVariable($name)
            if ($null -ne $value) { $saved[$name] = $value }
        }
        'restore' {
            [Environment]::SetEnvironmentVariable($name, $saved[$name])
            $saved.Remove($name)
        }
        'forget' { $saved.Remove($name) }
    }
}

# Says once that escenv is not there any more, and leaves no credentials in a
# directory they are not for.
function Global:__escenv_gone([string]$Found, [string]$At) {
    if ($Found -cne [string]$Global:__escenv['Seen']['__escenv_file']) {
        foreach ($name in "${Env:ESCENV_VARS}:ESCENV_ENV:ESCENV_VARS:ESCENV_EXPIRES:ESCENV_FILE".Split(':')) {
            if ($name) { [Environment]::SetEnvironmentVariable($name, $null) }
        }
        $Global:__escenv['Seen'] = @{}
    }
    $Global:__escenv['Looked'] = $At
    if (-not $Global:__escenv['Warned']) {
        $Global:__escenv['Warned'] = $true
        [Console]::Error.WriteLine("escenv: error: $($Global:__escenv['Program']) is gone")
        [Console]::Error.WriteLine('escenv: hint: install it again, or take its hook out of your profile')
    }
}

# Has escenv decide, if it must, and does what it says.
function Global:__escenv_change([string]$At) {
    $ErrorActionPreference = 'Continue'
    $PSNativeCommandUseErrorActionPreference = $false
    $found = __escenv_look $At
    if ($found -ceq [string]$Global:__escenv['Seen']['__escenv_file'] -and ($found -or -not $Env:ESCENV_FILE) -and (__escenv_fresh)) {
        $Global:__escenv['Looked'] = $At
        return
    }
    if (-not [System.IO.File]::Exists($Global:__escenv['Program'])) {
        __escenv_gone $found $At
        return
    }
    $Global:__escenv['Looked'] = '' # should Ctrl-C end it here, the next prompt tries again
    $status = $Global:LASTEXITCODE
    try {
        [Environment]::SetEnvironmentVariable('__ESCENV_STATE', [string]$Global:__escenv['Seen']['__escenv_state'])
        [Environment]::SetEnvironmentVariable('__ESCENV_SHELL', "$PID")
        $lines = @(& $Global:__escenv['Program'] export pwsh)
        $killed = $Global:LASTEXITCODE -ge 126
    } finally {
        [Environment]::SetEnvironmentVariable('__ESCENV_STATE', $null)
        [Environment]::SetEnvironmentVariable('__ESCENV_SHELL', $null)
        $Global:LASTEXITCODE = $status
    }
    if ($killed) { return }
    foreach ($line in $lines) { __escenv_apply $line }
    $Global:__escenv['Since'] = [datetime]::UtcNow
    $wait = $Global:__escenv['Seen']['__escenv_wait']
    $Global:__escenv['Due'] = if ($wait) { $Global:__escenv['Since'].AddSeconds([int]$wait - 1) } else { $null }
    $Global:__escenv['Looked'] = $At
    $null = __escenv_look $At
}

# Runs at each prompt and after each cd: returns at once if nothing has changed
# since the last look.
function Global:__escenv_update {
    $at = (Get-Location -PSProvider FileSystem).ProviderPath
    if ($Global:__escenv['Looked'] -ceq $at) {
        $appeared = $false
        foreach ($file in $Global:__escenv['Nearer']) { if ([System.IO.File]::Exists($file)) { $appeared = $true } }
        if (-not $appeared -and (__escenv_fresh)) { return }
    }
    __escenv_change $at
}

# Once: before the prompt that is there, and so that "cd there; command" never
# runs with what belongs here.
if ($null -eq $Global:__escenv['Prompt']) {
    $Global:__escenv['Prompt'] = $Function:prompt
    function Global:prompt {
        $ok = $?
        $null = __escenv_update
        if (-not $ok) { Write-Error '' -ErrorAction Ignore } # what the prompt takes for $?
        & $Global:__escenv['Prompt']
    }
    $ExecutionContext.SessionState.InvokeCommand.LocationChangedAction = [Delegate]::Combine(
        $ExecutionContext.SessionState.InvokeCommand.LocationChangedAction,
        [EventHandler[System.Management.Automation.LocationChangedEventArgs]] { $null = __escenv_update })
}
